// JSON, read where it lies: its strings with their names, without making one string of JavaScript of a secret.

import { isSpace } from './lines.ts';
import { hexAt, type Part } from './taking-apart.ts';
import { certaintyOf } from './secret-names.ts';

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a] as const;
const [BRACE, BRACE_END, BRACKET, BRACKET_END] = [0x7b, 0x7d, 0x5b, 0x5d] as const;

/** What stands between strings: numbers, words and marks. */
const BETWEEN = new Set(Buffer.from('{}[]:,+-.0123456789eEtrufalsn', 'latin1'));
const SHORT: Readonly<Record<string, number>> = { b: 8, t: 9, n: 10, f: 12, r: 13, '"': 0x22, '\\': 0x5c, '/': 0x2f };

/** Values of an object or list that are strings, each by its name or the name of the list that it is in. */
export function jsonParts(value: Buffer): Part[] | undefined {
  if (!isBracketed(value)) return undefined;
  const parts: Part[] = [];
  let name: Buffer = value.subarray(0, 0);
  const around: Buffer[] = [];
  let strings = 0;
  for (let at = 0; at < value.length; at += 1) {
    const byte = value[at]!;
    if (byte !== QUOTE) {
      name = nameBehind(byte, name, around);
      if (BETWEEN.has(byte) || isSpace(byte)) continue;
      return given(parts);
    }
    const end = endOfString(value, at + 1);
    if (end < 0) return given(parts);
    strings += 1;
    const text = value.subarray(at + 1, end);
    at = end;
    if (isName(value, end + 1)) name = text;
    else parts.push(unescaped(text, name));
  }
  return strings > 0 ? parts : undefined;
}

function isBracketed(value: Buffer): boolean {
  const [first, last] = [value[0], value.at(-1)];
  return (first === BRACE && last === BRACE_END) || (first === BRACKET && last === BRACKET_END);
}

/** The name of what comes next: behind an object or list, the one that was there before it. */
function nameBehind(byte: number, name: Buffer, around: Buffer[]): Buffer {
  if (byte === BRACE || byte === BRACKET) around.push(name);
  return byte === BRACE_END || byte === BRACKET_END ? (around.pop() ?? name) : name;
}

/** It was no JSON after all. */
function given(parts: readonly Part[]): undefined {
  for (const { bytes, isCopy } of parts) if (isCopy) bytes.fill(0);
  return undefined;
}

function endOfString(value: Buffer, start: number): number {
  for (let at = start; at < value.length; at += 1) {
    if (value[at] === QUOTE) return at;
    if (value[at] === BACKSLASH) at += 1;
  }
  return -1;
}

function isName(value: Buffer, from: number): boolean {
  let at = from;
  while (isSpace(value[at]!)) at += 1;
  return value[at] === COLON;
}

function unescaped(text: Buffer, name: Buffer): Part {
  const certainty = certaintyOf(name);
  if (!text.includes(BACKSLASH)) return { bytes: text, certainty, isCopy: false };
  const bytes = Buffer.alloc(text.length);
  let end = 0;
  for (let at = 0; at < text.length;) {
    const { code, length } = characterAt(text, at);
    if (length === 1) bytes[end++] = code;
    else end += bytes.write(String.fromCodePoint(code), end);
    at += length;
  }
  return { bytes: bytes.subarray(0, end), certainty, isCopy: true };
}

/** A byte as it is, or what an escape stands for, and how long that is. */
function characterAt(text: Buffer, at: number): { code: number; length: number } {
  if (text[at] !== BACKSLASH) return { code: text[at]!, length: 1 };
  const unit = unitAt(text, at);
  if (unit < 0) return { code: SHORT[String.fromCharCode(text[at + 1]!)] ?? 0x3f, length: 2 };
  const low = unitAt(text, at + 6);
  const isPair = unit >= 0xd800 && unit < 0xdc00 && low >= 0xdc00 && low < 0xe000;
  return isPair ? { code: 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00), length: 12 } : { code: unit, length: 6 };
}

/** The number in `\uXXXX`; -1 where there is none. */
function unitAt(text: Buffer, at: number): number {
  return text[at] === BACKSLASH && text[at + 1] === 0x75 ? hexAt(text, at + 2, 4) : -1;
}
