// Secrets of items typed and shown at a terminal: a pseudo-terminal of its own, the built program, a real daemon.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { assertNoCanary } from '../canaries.ts';
import { canary, eventually, has, House, PASSPHRASE } from '../house.ts';

describe('items at a terminal', { skip: !has('script') }, () => {
  const secret = canary();
  let house: House;

  before(async () => {
    house = await House.open();
    await house.ok(['vault', 'create', 'work']);
  });
  after(async () => await house[Symbol.asyncDispose]());

  /** Runs a command on a terminal and answers each question as it comes. All that was on the screen. */
  const sit = async (args: readonly string[], answers: readonly (readonly [RegExp, string])[]): Promise<string> => {
    const command = `${[house.launcher, ...args].join(' ')}; echo "exit=$?"`;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      env: { ...house.env, SHELL: '/bin/sh', TERM: 'dumb' },
    });
    let seen = '';
    child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString('utf8')));
    const ended = new Promise((settle) => child.once('close', settle));
    try {
      for (const [question, answer] of answers) {
        await eventually(() => (question.test(seen) ? true : undefined), `${String(question)} in ${seen}`);
        child.stdin.write(`${answer}\r`);
      }
      await ended;
    } finally {
      child.kill('SIGKILL');
    }
    return seen.replaceAll('\r\n', '\n');
  };

  test('a field without = is asked for and not shown, one after the other', async () => {
    const seen = await sit(
      ['item', 'create', '--title', 'typed', 'username=me', 'password', 'api.token'],
      [
        [/password \(not shown\): /, secret],
        [/api\.token \(not shown\): /, `${secret}-token`],
      ],
    );
    assert.match(seen, /made item typed[^]*exit=0/);
    assertNoCanary(seen, secret);
    const shown = await sit(
      ['item', 'get', 'typed', '--fields', 'password', '--reveal'],
      [[/Passphrase to show values: /, PASSPHRASE]],
    );
    assert.match(shown, new RegExp(`\n${secret}\n[^]*exit=0`));
  });

  test('an item is deleted after a yes, and kept after anything else; a vault with its items too', async () => {
    await house.ok(['vault', 'create', 'doomed']);
    await house.ok(['item', 'create', '--vault', 'doomed', '--title', 'gone', 'username=me']);
    await house.ok(['item', 'create', '--vault', 'doomed', '--title', 'kept', 'username=me']);
    const remove = ['item', 'delete', 'gone'];
    const question = /Delete gone in doomed with its values, files and versions\? \[y\/N\] /;
    assert.match(await sit(remove, [[question, '']]), /nothing was deleted[^]*exit=4/);
    await house.ok(['item', 'get', 'gone']);
    assert.match(await sit(remove, [[question, 'y']]), /deleted gone[^]*exit=0/);
    const all = ['vault', 'delete', 'doomed', '--with-items'];
    assert.match(await sit(all, [[/Delete doomed with 1 item and all versions\? /, 'n']]), /exit=4/);
    assert.match(await sit(all, [[/Delete doomed with 1 item and all versions\? /, 'y']]), /exit=0/);
    assert.equal((await house.human(['item', 'get', 'kept'])).code, 7);
  });

  test('a secret is not taken from standard input where that is a terminal, which would show it', async () => {
    await house.ok(['environment', 'create', 'terminal']);
    for (const args of [
      ['item', 'create', '--title', 'shown', 'password=-'],
      ['environment', 'set', 'terminal', 'A', '--value-stdin', '--passphrase-stdin'],
      ['unlock', '--passphrase-stdin'],
    ]) {
      const seen = await sit(args, []);
      assert.match(seen, /standard input is a terminal, which shows what is typed; leave[^]*exit=2/);
    }
  });

  test('a vault that is not there is said before anything is typed', async () => {
    const seen = await sit(['item', 'create', '--vault', 'none', '--title', 'x', 'password'], []);
    assert.doesNotMatch(seen, /not shown/);
    assert.match(seen, /no vault of that name[^]*exit=7/);
  });

  test('an escape sequence in a value does nothing to the terminal that it is shown on', async () => {
    await house.ok(['item', 'create', '--title', 'hostile', 'password=-'], '\u001b]0;owned\u0007\u001b[2J');
    const seen = await sit(['item', 'get', 'hostile', '--reveal'], [[/Passphrase to show values: /, PASSPHRASE]]);
    assert.ok(!seen.includes('\u001b'), JSON.stringify(seen));
    assert.match(seen, /\n\\u\{1b\}\]0;owned/);
    assert.match(seen, /are escaped/);
  });

  test('a value that a terminal can show is shown as it is', async () => {
    await house.ok(['item', 'create', '--title', 'letters', 'password=-'], 'a\\b "ü" $x\nsecond line');
    const seen = await sit(['item', 'get', 'letters', '--reveal'], [[/Passphrase to show values: /, PASSPHRASE]]);
    assert.match(seen, /\na\\b "ü" \$x\nsecond line\nexit=0/);
  });
});
