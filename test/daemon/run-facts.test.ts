// What a human is told of a run before anything is read: here, whether masking will hide what is handed over.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Environment, Variable } from '../../src/core/environment.ts';
import { Elsewhere } from '../../src/daemon/elsewhere.ts';
import { runAsk } from '../../src/daemon/run-facts.ts';
import { temporaryVault } from '../vault/temporary-vault.ts';

const variable = (name: string, more: Partial<Variable> = {}): Variable => ({
  name,
  kind: 'literal',
  concealed: true,
  isSet: true,
  maskable: true,
  ...more,
});

const JUDGED = variable('JUDGED', { maskability: 'maskable' });
const COMMON = variable('COMMON', { maskable: false, maskability: 'common' });
const OPEN = variable('OPEN', { kind: 'plain', concealed: false, plain: 'eu' });
/** As versions before 0.4 stored them. */
const OLD = variable('OLD');
const OLD_SHORT = variable('OLD_SHORT', { maskable: false });

test('what older versions stored is not known before it is read, but for what they found too short', async (t) => {
  const { vault } = await temporaryVault(t);
  const world = { unlocked: () => vault, elsewhere: new Elsewhere(new Map(), () => []), ownMounts: [] };
  const asked = async (variables: Variable[], output: Environment['output'] = 'redacted') => {
    const environment = { environmentId: 'env_x', name: 'shop', createdBy: null, output, variables };
    const { run, outputAtMost } = await runAsk(world, { argv: ['/bin/true'], cwd: '/', reason: '' }, environment);
    return [run.variables.map(({ unmaskable }) => unmaskable), run.output, outputAtMost];
  };
  assert.deepEqual(await asked([JUDGED, OPEN]), [[undefined, undefined], 'redacted', 'redacted']);
  assert.deepEqual(await asked([OLD, JUDGED]), [['unknown', undefined], 'redacted', 'redacted']);
  assert.deepEqual(await asked([OLD_SHORT, OLD]), [['never', 'unknown'], 'redacted', 'summary']);
  assert.deepEqual(await asked([COMMON]), [['never'], 'redacted', 'summary']);
  assert.deepEqual(await asked([JUDGED], 'summary'), [[undefined], 'summary', 'redacted']);
});
