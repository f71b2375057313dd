// The progress line: late, short, and gone at the end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Progress } from '../../src/doors/cli/progress.ts';

const CLEAR = '\r\u001b[K';

function shownBy(work: (progress: Progress, pass: (ms: number) => void) => void, more: object = {}): string {
  let text = '';
  let at = 0;
  const stream = { isTTY: true, columns: 80, write: (chunk: string) => (text += chunk), ...more };
  const options = { label: 'importing', total: 10, stream, isQuiet: false, now: () => at, ...more };
  const before = process.listenerCount('exit');
  {
    using progress = new Progress(options);
    work(progress, (ms) => (at += ms));
  }
  assert.equal(process.listenerCount('exit'), before);
  return text;
}

test('work of less than a second shows nothing', () => {
  assert.equal(
    shownBy((progress, pass) => {
      pass(999);
      progress.advance(10);
    }),
    '',
  );
});

test('longer work shows one line, at most ten times a second, and takes it away', () => {
  const text = shownBy((progress, pass) => {
    pass(1_000);
    progress.advance(5);
    pass(50);
    progress.advance();
    pass(50);
    progress.advance(4);
  });
  assert.equal(
    text,
    `${CLEAR}importing [############............] 5 of 10${CLEAR}importing [########################] 10 of 10${CLEAR}`,
  );
});

test('the line is shorter than the terminal is wide, and there is none off a terminal or when it is not wanted', () => {
  const work = (progress: Progress, pass: (ms: number) => void): void => {
    pass(2_000);
    progress.advance();
  };
  assert.equal(shownBy(work, { columns: 12 }), `${CLEAR}importing [${CLEAR}`.slice(0, CLEAR.length + 11) + CLEAR);
  assert.equal(shownBy(work, { isTTY: false }), '');
  assert.equal(shownBy(work, { isQuiet: true }), '');
});
