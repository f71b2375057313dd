// What of a value is left in what a real tool printed: nothing, a marker in its place, and quoting characters beside it.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';

import fc from 'fast-check';

import { NeedleSet, Redactor } from '../../../src/core/redactor/redactor.ts';

/** Printable ASCII; with it, characters of two to four bytes; with that, control characters. */
export const ASCII = Array.from({ length: 95 }, (_, k) => String.fromCharCode(0x20 + k));
export const LETTERS = [...ASCII, ...'éßñжλ漢字かな😀𝄞'];
export const CONTROLS = [...LETTERS, ...'\x01\x07\b\t\n\v\f\r\x1b\x1f\x7f'];
export const QUOTES = ['a', "'", '"', '#', '~', ':', '=', '\\', ' '];

/** A piece of so many bytes counts as shown. */
const WINDOW_BYTES = 8;
/** More characters that quote are not left beside a marker. */
const QUOTING_MAX = 8;

/** Random values, no more than a law would be tried with; fast-check's seed is in the environment of nobody, so a failure prints its value. */
export function valuesOf(unit: readonly string[], count: number, minLength = 10, maxLength = 48): string[] {
  const value = fc
    .string({ unit: fc.constantFrom(...unit), minLength, maxLength })
    .filter((text) => Buffer.byteLength(text.trim()) >= 9 && /\w.*\w/s.test(text));
  return fc.sample(value, Math.min(count, fc.readConfigureGlobal().numRuns ?? count));
}

let last: { readonly value: string; readonly set: NeedleSet } | undefined;

/** The output as it is shown, in pieces with a marker between each two. The needles of a value are kept until the next one. */
export function shownOf(value: string, output: Buffer): string[] {
  if (last?.value !== value) last = { value, set: NeedleSet.compile([{ name: 'K', value: Buffer.from(value) }]) };
  const redactor = new Redactor(last.set);
  const marker = last.set.markerFor(['K']).toString('latin1');
  return Buffer.concat([Buffer.from(redactor.push(output)), redactor.end()])
    .toString('latin1')
    .split(marker);
}

/** `frame`: what the tool writes around the value. */
export function assertHidden(value: string, output: string | Buffer, tool: string, frame: RegExp = /(?:)/): void {
  const pieces = shownOf(value, Buffer.from(output));
  const rest = pieces.join('').replace(frame, '');
  const what = `${tool} of ${JSON.stringify(value)}: ${JSON.stringify(String(output))} -> ${JSON.stringify(pieces)}`;
  assert.ok(pieces.length > 1, what);
  assert.ok(rest.length <= QUOTING_MAX && /^[\s\\'"$=`+%^]*$/.test(rest), what);
  const bytes = Buffer.from(value).toString('latin1');
  for (let at = 0; at + WINDOW_BYTES <= bytes.length; at += 1) {
    const window = bytes.slice(at, at + WINDOW_BYTES);
    assert.ok(!pieces.some((piece) => piece.includes(window)), what);
  }
}

export function hasTool(tool: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' }).status === 0;
}

/** `{ skip }` of a test that needs these tools, with the reason. */
export function needs(...tools: readonly string[]): { skip: string | false } {
  const missing = tools.filter((tool) => !hasTool(tool));
  return { skip: missing.length > 0 && `no ${missing.join(', ')} here` };
}

/** Runs a script of a shell over values as arguments; what it wrote between NULs, one piece a value. */
export function each(shell: string, script: string, values: readonly string[], locale = 'C.UTF-8'): Buffer[] {
  const args = shell === 'zsh' ? ['-f', '-c'] : ['-c'];
  const output = execFileSync(shell, [...args, script, shell, ...values], {
    env: { ...process.env, LC_ALL: locale },
    maxBuffer: 1 << 26,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const pieces: Buffer[] = [];
  for (let at = 0, end = output.indexOf(0); end >= 0; at = end + 1, end = output.indexOf(0, at)) {
    pieces.push(output.subarray(at, end));
  }
  assert.equal(pieces.length, values.length, script);
  return pieces;
}
