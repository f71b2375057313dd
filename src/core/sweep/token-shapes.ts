// Secrets that nobody gave us, by how they look: tokens made during a run, which no needle knows. Only shapes that nothing
// else has: each begins with letters chosen by its issuer so that scanners find it.

import type { Span } from './view.ts';

export interface Token {
  /** What stands in the marker: `pattern/NAME`. */
  readonly name: string;
  readonly span: Span;
}

interface Shape {
  readonly name: string;
  /** Its group `secret` is what is cut, or all of it. Never reads a byte more than a few times, whatever the text is. */
  readonly pattern: RegExp;
}

const BEFORE = '(?<![A-Za-z0-9_-])';
const AFTER = '(?![A-Za-z0-9_-])';
const shape = (name: string, pattern: string): Shape => {
  return { name, pattern: new RegExp(`${BEFORE}(?<secret>${pattern})${AFTER}`, 'dg') };
};

const SHAPES: readonly Shape[] = [
  shape('github', '(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})'),
  shape('gitlab', 'glpat-[A-Za-z0-9_.-]{20,255}'),
  // OpenAI, Anthropic and others. Names of styles begin so, too, and have no capitals and digits.
  shape('sk', 'sk-(?=[A-Za-z_-]{0,64}[0-9])(?=[a-z0-9_-]{0,64}[A-Z])[A-Za-z0-9_-]{20,255}'),
  shape('stripe', '[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}'),
  shape('slack', 'xox[abeoprs]-[A-Za-z0-9-]{10,255}'),
  shape('aws', '(?:AKIA|ASIA)[A-Z0-9]{16}'),
  shape('google', 'AIza[A-Za-z0-9_-]{35}'),
  shape('npm', 'npm_[A-Za-z0-9]{36}'),
  // Header and payload are JSON objects, `{"` in base64 (RFC 7519).
  shape('jwt', String.raw`eyJ[A-Za-z0-9_-]{8,8192}\.eyJ[A-Za-z0-9_-]{2,16384}\.[A-Za-z0-9_-]{16,2048}`),
  // No `/`, `:` or `@` in either half, or it is no user and password (RFC 3986, 3.2.1). A variable or a mask is none.
  {
    name: 'url-password',
    pattern: /:\/\/[^\s/:@'"`<>]{0,128}:(?<secret>(?![$*<{[(]|x{3}|\.{3})[^\s/:@'"`<>]{3,256})@(?=[\w[.-])/dg,
  },
];

const PEM_START = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
/** What may stand in a key: its headers, its lines, line ends of JSON, and its end. A key of 16384 bits takes 13 KiB. */
const PEM_BODY = /(?:[A-Za-z0-9+/=:,\s-]|\\[nr]){0,65536}/y;
const PEM_END = /-----END [A-Z0-9 ]{0,60}-----/;
/** Of a key whose end is missing: its lines. */
const PEM_LINES = /(?:(?:\s|\\[nr]){1,4}[A-Za-z0-9+/=]{16,128})*/y;
/** Fewer letters are none: somebody writes about keys. */
const PEM_BODY_MIN = 40;

/** Every token in the text, in no order; they may overlap. */
export function tokensIn(text: Buffer): Token[] {
  // A string cannot be wiped. It is of this process, which ends with its run, and holds no value we were given.
  const letters = text.toString('latin1');
  const tokens: Token[] = [];
  for (const { name, pattern } of SHAPES) {
    for (const { indices } of letters.matchAll(pattern)) {
      const span = indices?.groups?.['secret'];
      if (span !== undefined) tokens.push({ name: `pattern/${name}`, span });
    }
  }
  return [...tokens, ...keysIn(letters)];
}

function keysIn(letters: string): Token[] {
  const keys: Token[] = [];
  let known = 0;
  for (const { 0: first, index } of letters.matchAll(PEM_START)) {
    if (index < known) continue;
    const start = index + first.length;
    const body = at(PEM_BODY, letters, start);
    const last = PEM_END.exec(body);
    const length = last === null ? at(PEM_LINES, letters, start).length : last.index + last[0].length;
    // Not even begun a second time: so this is read once, whatever the text is.
    known = start + (last === null ? body.length : length);
    if ((last?.index ?? length) >= PEM_BODY_MIN)
      keys.push({ name: 'pattern/private-key', span: [index, start + length] });
  }
  return keys;
}

function at(pattern: RegExp, letters: string, start: number): string {
  pattern.lastIndex = start;
  return pattern.exec(letters)?.[0] ?? '';
}
