// Words are cut into flags as util.parseArgs of Node cuts them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { tokensOf, type FlagForms, type Token } from '../../src/doors/cli/tokens.ts';

const FORMS: FlagForms = {
  environment: { takesValue: true },
  'out-file': { takesValue: true, short: 'o' },
  force: { takesValue: false, short: 'f' },
  help: { takesValue: false, short: 'h' },
};
const OPTIONS = {
  environment: { type: 'string' },
  'out-file': { type: 'string', short: 'o' },
  force: { type: 'boolean', short: 'f' },
  help: { type: 'boolean', short: 'h' },
} as const;

const TYPED =
  '-- - --- --= --=x -f -fh -fox -of -o -x -xf -o=a -f=a -o- --environment --environment= --environment=a=b --force --force=x ' +
  '--no-force --other word --out-file --toString --__proto__ -é --a=b=c --help';

function byNode(args: string[]): Token[] {
  const { tokens } = parseArgs({ args, options: OPTIONS, strict: false, allowPositionals: true, tokens: true });
  return tokens.flatMap((token): Token[] => {
    if (token.kind === 'positional') return [{ kind: 'positional', value: token.value }];
    if (token.kind === 'option-terminator') return [];
    return [{ kind: 'flag', name: token.name, rawName: token.rawName, value: token.value }];
  });
}

void test('whatever the words are, they are cut as by Node', () => {
  const typed = fc.constantFrom('', '- ', ...TYPED.split(' '));
  const letters = fc.string({ unit: fc.constantFrom('-', '=', 'f', 'o', 'h', 'x', 'a'), maxLength: 6 });
  // Node takes the hyphen of `-f-` for a `--` of its own; here it is a flag that nobody knows.
  const word = fc.oneof(typed, letters).filter((some) => !/^-[^-o][^o]*-/.test(some));
  const property = fc.property(fc.array(word, { maxLength: 6 }), (words) => {
    assert.deepEqual(tokensOf(words, FORMS), byNode(words));
  });
  fc.assert(property, { numRuns: 5_000 });
});
