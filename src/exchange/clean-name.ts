// Names of others as names of ours. An import must not fail for a title with a line break, and no title may move a cursor
// or hide: what core/names.ts refuses is left out or made visible here.

import { NAME_LENGTH_MAX } from '../core/names.ts';

/** What parseTitle refuses: controls, format characters, surrogates, private and unassigned characters, line ends. */
const REFUSED = /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
/** They show nothing by themselves (joiners, marks of direction, a byte order mark), so nothing stands for them. */
const UNSEEN = /\p{Cf}/gu;
/** U+FFFD: somebody should see that something stood there. */
const REPLACEMENT = '\u{fffd}';
const CUT = '…';

/**
 * `text` as a name that parseTitle takes, and the same text when parseTitle takes it already: white space of any kind
 * becomes one space where it is not a plain one, what shows nothing is left out, what else is refused becomes U+FFFD,
 * the ends are trimmed, and what is longer than 128 is cut with `…`. `otherwise` when nothing is left; it is a name.
 */
export function cleanName(text: string, otherwise: string): string {
  const shown = text
    // More is cut anyway, and a title of 100 MB would be gone through five times.
    .slice(0, 4 * NAME_LENGTH_MAX)
    .replaceAll(/[\t\n\v\f\r\u0085\u2028\u2029]+/gu, ' ')
    .replaceAll(UNSEEN, '')
    .replaceAll(REFUSED, REPLACEMENT)
    .trim();
  if (shown === '') return otherwise;
  if (shown.length <= NAME_LENGTH_MAX) return shown;
  return `${wholeStart(shown, NAME_LENGTH_MAX - CUT.length).trimEnd()}${CUT}`;
}

/** The first `length` units, or one less where a character of two would be cut in half. */
function wholeStart(text: string, length: number): string {
  const start = text.slice(0, length);
  return start.isWellFormed() ? start : start.slice(0, -1);
}
