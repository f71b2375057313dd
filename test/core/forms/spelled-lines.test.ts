// How the lines of a value are put together, and which of them are looked for alone.

import assert from 'node:assert/strict';
import test from 'node:test';

import { spellJoined, spellLines, spellLinesReversed } from '../../../src/core/forms/spelled-lines.ts';
import { assertSpelled } from './spelled.ts';

const LONG = 'sixteen letters.';
const FRAME = '-----BEGIN A KEY-----';

/** Whether a line is looked for alone. */
const LINES: ReadonlyArray<readonly [line: string, isTelling: boolean]> = [
  [LONG, true],
  [LONG.slice(1), false],
  [`  ${LONG}\t`, true],
  [`  ${LONG.slice(1)}  `, false],
  [FRAME, false],
  ['------------------', false],
  ['a1b2c3d4', true],
  ['a1b2c3d', false],
  ['a1b2c3aa', true], // six different bytes
  ['a1b2c1aa', false],
  ['a1 b2c3d4', false],
  ['abcdefgh', false],
  ['12345678', false],
  ['!a1%/$?&', true],
  ['', false],
];

void test('a line that is long, or short and random, is looked for alone', () => {
  for (const [line, isTelling] of LINES) {
    const alone = isTelling ? [line.trim()] : [];
    assertSpelled((value) => spellLines(value, false), `${line}\n-`, [`${line}\n-`, `${line}\r\n-`, ...alone]);
    const reversed = isTelling ? [Array.from(line).toReversed().join('')] : [];
    assertSpelled(spellLinesReversed, `${line}\n-`, reversed);
    assertSpelled((value) => spellLines(value, true), `${line}\n-`, [`${line}\n-`, `${line}\r\n-`]);
  }
});

void test('lines have either end, whichever the value has', () => {
  for (const value of ['one\ntwo\n\nthree\n', 'one\r\ntwo\r\n\r\nthree\r\n', 'one\r\ntwo\n\r\nthree\n']) {
    assertSpelled((bytes) => spellLines(bytes, false), value, ['one\ntwo\n\nthree\n', 'one\r\ntwo\r\n\r\nthree\r\n']);
  }
});

void test('lines stand on one line without what is around them, those of a key also without its frame', () => {
  assertSpelled(spellJoined, ' one\n\ttwo \r\n', ['onetwo']);
  assertSpelled(spellJoined, `${FRAME}\n  MIIE\r\n\nMore==\n-----END A KEY-----`, [
    `${FRAME}MIIEMore==-----END A KEY-----`,
    'MIIEMore==',
    'MIIE\n\nMore==',
    'MIIE\r\n\r\nMore==',
  ]);
});

void test('a value of one line has no lines', () => {
  const value = Buffer.from(`${LONG}\r${LONG}`);
  for (const spell of [spellJoined, spellLinesReversed, (bytes: Buffer) => spellLines(bytes, false)]) {
    assert.deepEqual(spell(value), []);
  }
});
