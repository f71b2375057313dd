// The argument `accountId`, which habits from another server bring along. There is one account, the vault; naming it is
// allowed, naming another one looks like naming one that is not there.

import { Failure } from '../../core/failure.ts';
import type { Authority } from './link.ts';

/**
 * Null when the call may go on. Otherwise the answer to give instead: the id of the vault is told to admitted agents
 * only, so comparing it may itself have to wait for the human. Throws `name/not_found`.
 */
export async function ownAccount(
  authority: Authority,
  accountId: string | undefined,
  signal: AbortSignal,
): Promise<object | null> {
  if (accountId === undefined) return null;
  const answer = await authority.call('authenticate', {}, signal);
  if (answer.status !== 'completed') {
    return { ...answer, message: `${answer.message} Once you are admitted, make this call again.` };
  }
  if (answer.accountId === accountId) return null;
  throw new Failure('name/not_found', 'there is no such account', {
    field: 'accountId',
    hint: 'leave accountId out, or use the one authenticate gives',
  });
}
