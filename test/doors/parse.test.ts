// Words after words: arguments that are repeated, flags that are, and a command of its own after `--`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXIT, Failure } from '../../src/core/failure.ts';
import type { Command } from '../../src/doors/cli/command.ts';
import { commandHelp, synopsis } from '../../src/doors/cli/help.ts';
import { parseCommand } from '../../src/doors/cli/parse.ts';

const base = { help: 'do it', example: 'keystile do', run: async () => EXIT.done } as const;
const EDIT: Command = {
  ...base,
  path: ['edit'],
  args: [{ name: 'ITEM' }, { name: 'ASSIGNMENT', isRepeated: true }],
  flags: { title: { value: 'TITLE', help: 'a title' } },
};
const RUN: Command = {
  ...base,
  path: ['run'],
  takesCommand: true,
  flags: {
    environment: { value: 'ENV', help: 'an environment', isRepeated: true },
    'no-masking': { help: 'no masking' },
  },
};

const isUsage = (thrown: unknown): boolean => thrown instanceof Failure && thrown.code === 'usage/invalid';

test('the last argument may be repeated, with flags between its words', () => {
  const { args, repeated, flags } = parseCommand(EDIT, ['x', 'a=1', '--title', 't', 'b[text]=--c', '--', '--d']);
  assert.deepEqual([...args], [['ITEM', 'x']]);
  assert.deepEqual(repeated, ['a=1', 'b[text]=--c', '--d']);
  assert.equal(flags.get('title'), 't');
  assert.deepEqual(parseCommand(EDIT, ['x']).repeated, []);
  assert.throws(() => parseCommand(EDIT, []), isUsage);
});

test('a flag that is repeated has all its values in order, and of others the last one counts', () => {
  const parsed = parseCommand(RUN, ['--environment', 'a', '--environment=b', '--', 'true']);
  assert.deepEqual(parsed.repeatedFlags.get('environment'), ['a', 'b']);
  assert.equal(parsed.repeatedFlags.get('no-masking'), undefined);
  assert.equal(parseCommand(EDIT, ['x', '--title', 'a', '--title', 'b']).flags.get('title'), 'b');
});

test('what stands behind -- is left as it is, whatever it looks like', () => {
  const words = ['sh', '-c', 'echo "$@"', '--', '--no-masking', '--help', '--format', 'json', ''];
  const { command, flags } = parseCommand(RUN, ['--no-masking', '--', ...words]);
  assert.deepEqual(command, words);
  assert.deepEqual([...flags.keys()], ['no-masking']);
});

test('a command that takes one needs one, and no word of it before --', () => {
  for (const wrong of [[], ['--'], ['true'], ['true', '--', 'x']])
    assert.throws(() => parseCommand(RUN, wrong), isUsage);
  assert.deepEqual(parseCommand(RUN, ['--help']).command, []);
});

test('help shows what may be repeated', () => {
  assert.equal(synopsis(EDIT), 'edit ITEM [ASSIGNMENT...]');
  assert.equal(synopsis(RUN), 'run -- CMD...');
  assert.match(commandHelp(RUN), /--environment ENV\.\.\./);
});
