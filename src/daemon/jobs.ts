// From a lease to what a runner is given: sealed variables, the keys that open just those, and what must still be true.

import type { LeaseOrder } from '../authority/powers.ts';
import { childBaseEnvironment } from '../delivery/environment.ts';
import type { RunJob } from '../delivery/job.ts';
import type { Vault } from '../vault/vault.ts';

/** The search path of the human, recorded at init: a name is looked up there, never on the agent's PATH (attack E07). */
export const SEARCH_PATH_SETTING = 'search_path';
const SEARCH_PATH_DEFAULT = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/sbin', '/sbin'];

export function searchPathOf(vault: Vault): readonly string[] {
  const recorded = vault.setting(SEARCH_PATH_SETTING);
  return recorded === undefined ? SEARCH_PATH_DEFAULT : recorded.split(':');
}

/** Throws Failure when a variable has no value any more. */
export function runJob(vault: Vault, order: LeaseOrder): RunJob {
  const { run } = order;
  const names = run.variables.map(({ name }) => name);
  const PATH = searchPathOf(vault).join(':');
  return {
    runId: order.runId,
    argv: run.argv,
    program: run.program.path,
    cwd: run.cwd.path,
    baseEnvironment: childBaseEnvironment({ ...process.env, PATH }),
    environmentDelta: run.environmentDelta,
    variables: vault
      .sealedVariables(run.environmentId, names)
      .map((variable) => ({ ...variable, key: variable.key.reveal() })),
    stdin: order.stdin === null ? null : Buffer.from(order.stdin),
    timeoutMs: run.timeoutSeconds * 1_000,
    outputMode: order.output,
    expected: { program: run.program, operands: run.operands, cwd: run.cwd },
  };
}
