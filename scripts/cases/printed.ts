// Ways that leave the letters of a secret alone: how it is written, laid out, coloured and typed over.

import { characters, ignoring, inTurn, asItIs, by, like, replacing, without } from './reading.ts';
import { perl, python, shell, type Way } from './way.ts';

const joinedLines = like((secret) => secret.replaceAll('\n', ''));

export const PRINTED: readonly Way[] = [
  shell('in a sentence', String.raw`printf 'the key is %s.\n' "$V"`),
  shell('env', 'env'),
  shell('cat /proc/self/environ', 'cat /proc/self/environ'),
  shell('on standard error', 'printf %s "$V" >&2'),
  python('a byte a write', 'b', asItIs, 'bytes'),
  python('in three writes', 'b', asItIs, 'thirds'),
  python('a half on each stream', 'b', asItIs, 'a half on each'),
  python('a byte on each stream in turn', 'b', inTurn, 'streams in turn'),
  python('twice, with nothing between', 'b + b'),
  python('its first five bytes, then all of it', 'b[:5] + b'),
  python('between two other words without spaces', '"abc" + v + "xyz"'),
  shell('with CRLF at the end of lines', String.raw`printf %s "$V" | sed 's/$/\r/'`, ignoring(/\r/g)),
  shell('with spaces before each line', String.raw`printf '%s\n' "$V" | sed 's/^/    /'`, by(without(/^ {4}/gm))),
  shell('quoted as in mail', String.raw`printf '%s\n' "$V" | sed 's/^/> /'`, by(without(/^> /gm))),
  shell('cat -n', String.raw`printf '%s\n' "$V" | cat -n`, by(without(/^ *\d+\t/gm))),
  shell('grep -n', String.raw`printf '%s\n' "$V" | grep -n ''`, by(without(/^\d+:/gm))),
  python(
    'lines joined by spaces',
    'v.replace("\\n", " ")',
    like((secret) => secret.replaceAll('\n', ' ')),
  ),
  python('lines joined by nothing', 'v.replace("\\n", "")', joinedLines),
  python(
    'lines from the last to the first',
    '"\\n".join(v.split("\\n")[::-1])',
    by((text) => [text.trim().split('\n').toReversed().join('\n')]),
  ),
  shell('fold -w 20', 'printf %s "$V" | fold -w 20', ignoring(/\n/g)),
  shell('fold -w 7', 'printf %s "$V" | fold -w 7', ignoring(/\n/g)),
  python('one character a line', '"\\n".join(v)', ignoring(/\n/g)),
  python('a space between letters', '" ".join(v)', ignoring(/ /g)),
  python('a dash between letters', '"-".join(v)', ignoring(/-/g)),
  python('a dot after every fourth letter', '".".join(v[k:k+4] for k in range(0, len(v), 4))', ignoring(/\./g)),
  python(
    'an x after each letter',
    '"".join(c + "x" for c in v)',
    by(characters((text) => text.replaceAll(/([^])x/gu, '$1'))),
  ),
  python('a zero-width space between letters', '"\\u200b".join(v)', by(without(/\xe2\x80\x8b/g))),
  python(
    'a list of characters',
    'repr(list(v))',
    by(
      characters((text) => text.replaceAll(/["[\]](.|\\n)["[\]]|'(.|\\n)'(?:, )?|, /g, '$1$2').replaceAll('\\n', '\n')),
    ),
  ),
  python('in red', '"\\x1b[31m" + v + "\\x1b[0m"'),
  python(
    'another colour for each letter',
    '"".join("\\x1b[3%dm%s" % (k % 8, c) for k, c in enumerate(v))',
    by(without(/\p{Cc}\[\d+m/gu)),
  ),
  python(
    'a colour that begins in the middle',
    'v[:len(v)//2] + "\\x1b[1;32m" + v[len(v)//2:]',
    by(without(/\p{Cc}\[[\d;]*m/gu)),
  ),
  python('a carriage return in the middle', 'v[:len(v)//2] + "\\r" + v[len(v)//2:]', ignoring(/\r/g)),
  python('growing, with carriage returns', '"\\r".join(v[:k] for k in range(1, len(v) + 1))'),
  python(
    'bold by overstrike',
    '"".join(c + "\\b" + c for c in v)',
    by(characters((text) => text.replaceAll(/([^])[\b]\1/gu, '$1'))),
  ),
  python('underlined by overstrike', '"".join("_\\b" + c for c in v)', by(without(/_[\b]/g))),
  python('a letter typed and taken back', 'v[:9] + "x\\b" + v[9:]', by(without(/x[\b]/g))),
  python(
    'the cursor moved between letters',
    '"".join("\\x1b[%dG%s" % (k + 1, c) for k, c in enumerate(v))',
    by(without(/\p{Cc}\[\d+G/gu)),
  ),
  perl('perl, each line with die', 'die "bad key: $ENV{V}\\n"'),
  shell(
    'indented YAML block',
    String.raw`printf 'key: |\n'; printf '%s\n' "$V" | sed 's/^/  /'`,
    by(without(/^ {2}/gm)),
  ),
  shell('in a diff', String.raw`printf '%s\n' "$V" >a; diff /dev/null a; true`, by(without(/^> /gm))),
  shell('xargs -t', String.raw`printf '%s\0' "$V" | xargs -0t true`, by(replacing(`'\\''`, "'"))),
];
