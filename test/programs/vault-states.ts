// The states vault-writer.ts takes a vault through: every one is several records, and every record names its state.

import { Secret } from '../../src/core/secret.ts';
import { unpad } from '../../src/core/padding.ts';
import { openXaes } from '../../src/core/xaes.ts';
import type { Vault } from '../../src/vault/vault.ts';

const VARIABLES = 5;

/** What a vault holds, and nothing that is random: environment, variable, value. */
export type State = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** State 0 is the empty vault. Others have an environment of n mod 5 + 1 variables, and every third a second one. */
export function stateOf(n: number): State {
  if (n === 0) return { '': { counter: '', output: '' } };
  const variables = Array.from({ length: (n % VARIABLES) + 1 }, (_, i) => [`V${i}`, valueOf(n, i)] as const);
  return {
    '': { counter: String(n), output: `output of ${n}` },
    main: Object.fromEntries(variables),
    ...(n % 3 === 0 ? { [`side ${n}`]: { ONLY: valueOf(n, 0) } } : {}),
  };
}

/** Takes the vault from state n - 1 to state n in one transaction. */
export function writeState(vault: Vault, n: number): void {
  const state = stateOf(n);
  vault.transaction(() => {
    for (const { environmentId, name, variables } of vault.environments()) {
      const wanted = state[name];
      if (wanted === undefined) vault.deleteEnvironment(environmentId);
      else for (const { name } of variables) if (!(name in wanted)) vault.unsetVariable(environmentId, name);
    }
    for (const [name, variables] of Object.entries(state)) if (name !== '') writeEnvironment(vault, name, variables);
    vault.setSetting('counter', String(n));
    vault.holdOutput('run', Buffer.from(`output of ${n}`));
  });
}

/** Everything the vault holds, every record opened. */
export function readState(vault: Vault): State {
  const counter = vault.setting('counter') ?? '';
  const output = counter === '' ? '' : vault.heldOutput('run').reveal().toString();
  const environments = vault.environments().map(({ environmentId, name, variables }) => {
    const names = variables.map((variable) => variable.name);
    const values = vault.sealedVariables(environmentId, names).map((variable) => {
      const { key, nonce, sealed, aad } = variable;
      return [variable.name, unpad(openXaes(key.reveal(), nonce, sealed, aad)).toString()];
    });
    return [name, Object.fromEntries(values)] as const;
  });
  return { '': { counter, output }, ...Object.fromEntries(environments) };
}

function writeEnvironment(vault: Vault, name: string, variables: Readonly<Record<string, string>>): void {
  const known = vault.environments().find((environment) => environment.name === name);
  const { environmentId } = known ?? vault.createEnvironment(name, null);
  for (const [variable, text] of Object.entries(variables)) {
    const value = new Secret(Buffer.from(text));
    vault.setVariable(environmentId, { name: variable, kind: 'literal', concealed: true, value });
  }
}

/** From a few bytes to several pages of the file. */
function valueOf(n: number, i: number): string {
  return `${n} ${i} `.padEnd(20 + ((n * 7919 + i * 104_729) % 9000), 'canary ');
}
