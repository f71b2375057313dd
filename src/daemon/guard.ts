// What the method table demands of a call, checked before its handler runs.

import type { Ask } from '../authority/gate.ts';
import type { ChangeMade } from '../authority/powers.ts';
import type { Ticket } from '../authority/tickets.ts';
import type { Change } from '../core/environment.ts';
import { Failure } from '../core/failure.ts';
import { Secret } from '../core/secret.ts';
import type { Work } from '../core/request.ts';
import { METHODS } from '../wire/methods.ts';
import type { AnyCall } from '../wire/calls.ts';
import { waitFor, type Completed } from './answers.ts';
import type { Service } from './service.ts';

/** Throws `vault/locked`, `human/needed`, `human/under_agent`, or what the vault says of a wrong passphrase. */
export async function guard(service: Service, call: AnyCall): Promise<void> {
  const row = METHODS[call.method];
  if (row.needsUnlocked) service.unlocked();
  if (row.socket === 'control' && row.needsUnlocked) service.touch();
  if (row.underAgent === 'refuse' && (await service.agentAbove(call.connection.peer)) !== null) {
    throw new Failure('human/under_agent', 'a coding agent started this command');
  }
  if (row.human === 'before') await checkHuman(service, call);
}

/** The passphrase as the first part, or a watch session opened with it on this connection. */
async function checkHuman(service: Service, call: AnyCall): Promise<void> {
  const mayUseSession =
    call.method === 'request.approve' || call.method === 'run.release' || call.method === 'run.output';
  if (mayUseSession && service.watchers.use(call.connection, service.nowMs())) return;
  await checkPassphrase(service, call);
}

/** The first part of a frame has to be the passphrase. Throws what the vault says of it, on the record. */
export async function checkPassphrase(service: Service, call: Pick<AnyCall, 'parts' | 'method'>): Promise<void> {
  const [bytes] = call.parts;
  if (bytes === undefined || bytes.length === 0) throw new Failure('human/needed', 'this needs the passphrase');
  using passphrase = new Secret(Buffer.from(bytes));
  try {
    await service.unlocked().verify(passphrase);
  } catch (error) {
    const facts = { why: Failure.from(error).code };
    await service.record({ event: 'approval_refused', facts, names: { method: call.method } });
    throw error;
  }
}

/**
 * A change made by a process under an agent becomes a request of that agent. Returns what was made of it once it is
 * approved, or null when no agent is above and the caller may go on by itself. Throws when it was not approved.
 */
export async function askUnderAgent(
  service: Service,
  call: Pick<AnyCall, 'connection' | 'signal'>,
  change: Change | null,
  environmentName: string | null,
): Promise<ChangeMade | null> {
  if (change === null) {
    if ((await service.agentAbove(call.connection.peer)) === null) return null;
    throw new Failure('human/under_agent', 'a value cannot be set by a command a coding agent started');
  }
  const work: Work =
    change.kind === 'create'
      ? { action: 'CreateEnvironment', environmentName: change.environmentName, change }
      : {
          action: 'ChangeEnvironment',
          environmentId: change.environmentId,
          environmentName: environmentName ?? '',
          change,
        };
  return await askWorkUnderAgent(service, call, work);
}

/** The same for any work that ends with something made. */
export async function askWorkUnderAgent(
  service: Service,
  call: Pick<AnyCall, 'connection' | 'signal'>,
  work: Work,
): Promise<ChangeMade | null> {
  const agent = await service.agentAbove(call.connection.peer);
  if (agent === null) return null;
  const reason = 'keystile on the command line';
  const common = { reason, stdin: null, createdBy: null, outputAtMost: 'redacted', needsAdmission: true } as const;
  const { end } = await waitForAnswer(service, call, { agent, work, ...common });
  if (end.made === null) throw new Failure('request/denied', 'that was not approved');
  return end.made;
}

/**
 * Through the gate, and back when it is over. Throws what it failed with, `request/denied`, `request/expired`, and
 * `policy/forbidden`; what was broken off is withdrawn.
 */
export async function waitForAnswer(
  service: Service,
  call: Pick<AnyCall, 'signal'>,
  ask: Ask,
): Promise<{ readonly ticket: Ticket; readonly end: Completed }> {
  const ticket = await service.authority.request(ask);
  while (ticket.state.at !== 'over' && !call.signal.aborted)
    await waitFor(ticket, Number.MAX_SAFE_INTEGER, call.signal);
  if (ticket.state.at !== 'over') {
    // The command was broken off: a yes that comes later must not change anything (I3).
    await service.authority.cancel(ticket.requestId, ask.agent);
    throw new Failure('request/expired', 'nobody answered in time');
  }
  const { end } = ticket.state;
  if (end.status === 'failed') throw end.failure;
  if (end.status === 'expired') throw new Failure('request/expired', end.message);
  if (end.status === 'locked') throw new Failure('vault/locked', 'the vault is locked');
  if (end.status === 'forbidden') throw new Failure('policy/forbidden', end.message);
  if (end.status !== 'completed') throw new Failure('request/denied', 'that was not approved');
  return { ticket, end: { ...end, requestId: ticket.requestId } };
}
