// Strict JSON for what comes over a socket: what one reader could take for one thing and another reader for another
// is refused. The check is one pass without recursion, so that no input can exhaust the stack.

import { Failure } from '../core/failure.ts';

export const JSON_DEPTH_MAX = 32;

const QUOTE = 0x22;
const MINUS = 0x2d;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/** Which `{` and `[` are open at one place of the text; for `{`, the keys seen so far. */
type Open = Set<string> | null;

/**
 * The value that `bytes` say in UTF-8 JSON (RFC 8259, and RFC 7493 as to duplicate keys). Throws `daemon/protocol` for
 * broken UTF-8, a byte order mark, anything deeper than JSON_DEPTH_MAX, duplicate keys, the key `__proto__` however it
 * is escaped, and numbers too large to be one. The message never quotes the input.
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  const text = decode(bytes);
  checkText(text);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The message of a SyntaxError quotes the text around the error.
    throw refuse('it is not JSON');
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refuse('it is not UTF-8');
  }
}

/** Decides only about text that is JSON; JSON.parse refuses the rest. In JSON a string before a colon is a key. */
function checkText(text: string): void {
  const open: Open[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      if (isBeforeColon(text, end)) addKey(open.at(-1), text.slice(at, end));
      at = end - 1;
    } else if (code === MINUS || (code >= DIGIT_0 && code <= DIGIT_9)) {
      at = endOfNumber(text, at) - 1;
    } else {
      nest(open, text[at]);
    }
  }
}

function nest(open: Open[], character: string | undefined): void {
  if (character === '{') open.push(new Set());
  else if (character === '[') open.push(null);
  else if (character === '}' || character === ']') open.pop();
  if (open.length > JSON_DEPTH_MAX) throw refuse(`it is nested deeper than ${JSON_DEPTH_MAX}`);
}

/** The place after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let first = end;
    while (text.charCodeAt(first - 1) === BACKSLASH) first -= 1;
    // An even run of backslashes escapes itself, not the quote.
    if ((end - first) % 2 === 0) return end + 1;
  }
  throw refuse('it is not JSON');
}

function isBeforeColon(text: string, end: number): boolean {
  let at = end;
  while (isSpace(text.charCodeAt(at))) at += 1;
  return text.charCodeAt(at) === COLON;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}

function addKey(keys: Open | undefined, quoted: string): void {
  if (keys === null || keys === undefined) throw refuse('it is not JSON');
  const key = quoted.includes('\\') ? unquote(quoted) : quoted.slice(1, -1);
  if (key === '__proto__') throw refuse('it has a key __proto__');
  if (keys.has(key)) throw refuse('it has the same key twice');
  keys.add(key);
}

function unquote(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    throw refuse('it is not JSON');
  }
}

function endOfNumber(text: string, start: number): number {
  const pattern = /[-+.0-9eE]+/y;
  pattern.lastIndex = start;
  pattern.test(text);
  const end = pattern.lastIndex;
  if (!Number.isFinite(Number(text.slice(start, end)))) throw refuse('it has a number that is none');
  return end;
}

function refuse(why: string): Failure {
  return new Failure('daemon/protocol', `a message was refused: ${why}`);
}
