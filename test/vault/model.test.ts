// The vault against a Map: whatever is done to both, they hold the same, also after locking and reopening.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../src/core/failure.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { literal, temporaryVault, valueIn } from './temporary-vault.ts';

type Model = Map<string, Map<string, string>>;
type Step =
  | { readonly do: 'create' | 'delete'; readonly name: string }
  | { readonly do: 'rename'; readonly name: string; readonly to: string }
  | { readonly do: 'set'; readonly name: string; readonly variable: string; readonly value: string }
  | { readonly do: 'unset'; readonly name: string; readonly variable: string }
  | { readonly do: 'reopen' };

const name = fc.constantFrom('production', 'staging', 'test');
const variable = fc.constantFrom('TOKEN', 'DB_URL', 'KEY');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('create', 'create', 'delete'), name }),
  fc.record({ do: fc.constant('rename'), name, to: name }),
  fc.record({ do: fc.constant('set'), name, variable, value: fc.stringMatching(/^[^\0]{0,300}$/) }),
  fc.record({ do: fc.constant('unset'), name, variable }),
  fc.record({ do: fc.constant('reopen') }),
);

/** Does a step to the model; false when it is impossible. */
function stepModel(model: Model, taken: Step): boolean {
  if (taken.do === 'reopen') return true;
  const environment = model.get(taken.name);
  switch (taken.do) {
    case 'create':
      if (environment === undefined) model.set(taken.name, new Map());
      return environment === undefined;
    case 'delete':
      return model.delete(taken.name);
    case 'rename':
      if (environment === undefined || (taken.to !== taken.name && model.has(taken.to))) return false;
      model.delete(taken.name);
      model.set(taken.to, environment);
      return true;
    case 'set':
      environment?.set(taken.variable, taken.value);
      return environment !== undefined;
    case 'unset':
      return environment?.delete(taken.variable) === true;
  }
}

function stepVault(vault: Vault, taken: Exclude<Step, { do: 'reopen' }>): void {
  const idOf = (): string => vault.environment(taken.name).environmentId;
  switch (taken.do) {
    case 'create':
      vault.createEnvironment(taken.name, null);
      return;
    case 'delete':
      vault.deleteEnvironment(idOf());
      return;
    case 'rename':
      vault.renameEnvironment(idOf(), taken.to);
      return;
    case 'set':
      vault.setVariable(idOf(), literal(taken.variable, taken.value));
      return;
    case 'unset':
      vault.unsetVariable(idOf(), taken.variable);
  }
}

function contentOf(vault: Vault): unknown {
  return vault.environments().map(({ environmentId, name, variables }) => {
    return [name, variables.map((member) => [member.name, valueIn(vault, environmentId, member.name)])];
  });
}

const sorted = <V>(map: ReadonlyMap<string, V>): [string, V][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

test('whatever is done, the vault holds what a Map holds', async (t) => {
  const made = await temporaryVault(t);
  let { vault } = made;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      for (const { environmentId } of vault.environments()) vault.deleteEnvironment(environmentId);
      const model: Model = new Map();
      for (const taken of steps) {
        const isPossible = stepModel(model, taken);
        if (taken.do === 'reopen') {
          vault.close();
          vault = made.reopen();
        } else if (isPossible) stepVault(vault, taken);
        else assert.throws(() => stepVault(vault, taken), Failure);
      }
      const expected = sorted(model).map(([name, variables]) => [name, sorted(variables)]);
      assert.deepEqual(contentOf(vault), expected);
    }),
    { numRuns: 40 },
  );
});
