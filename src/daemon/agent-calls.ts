// What the rows of the agent's socket share: who calls, the way through the gate, and what an agent may see at all.

import type { Ask } from '../authority/gate.ts';
import type { Ticket } from '../authority/tickets.ts';
import type { Environment } from '../core/environment.ts';
import { Failure } from '../core/failure.ts';
import { isId } from '../core/names.ts';
import type { AgentFacts, Work } from '../core/request.ts';
import type { Vault } from '../vault/vault.ts';
import type { Call } from '../wire/calls.ts';
import { WAIT_SECONDS_MAX, type MethodName } from '../wire/methods.ts';
import type { AgentAnswer } from '../wire/views.ts';
import { answerOf, lockedAnswer, waitFor, type Completed } from './answers.ts';
import type { Service } from './service.ts';

export type AnyAgentCall = Pick<Call<MethodName>, 'connection' | 'signal'>;

export async function caller(service: Service, call: AnyAgentCall): Promise<AgentFacts> {
  const agent = await service.agentOf(call.connection);
  if (agent === null) throw new Failure('daemon/unreachable', 'the process that asked has ended');
  return agent;
}

/** Through the gate, and back with an answer in time. */
export async function settle<T extends object>(
  service: Service,
  call: AnyAgentCall,
  ask: Ask,
  completed: (end: Completed) => T,
) {
  if (service.isUnlocked) await service.see(ask.agent);
  const ticket = await service.authority.request(ask);
  await waitFor(ticket, WAIT_SECONDS_MAX, call.signal);
  return answerOf(ticket, completed);
}

/** What an admitted agent may see; an unknown one asks to be admitted first. */
export async function whenAdmitted<T extends object>(
  service: Service,
  call: AnyAgentCall,
  look: (vault: ReturnType<Service['unlocked']>) => T,
): Promise<AgentAnswer<T>> {
  const agent = await caller(service, call);
  if (!service.isUnlocked) return lockedAnswer();
  const ticket: Ticket = await service.authority.request(connectAsk(agent));
  await service.see(agent);
  await waitFor(ticket, WAIT_SECONDS_MAX, call.signal);
  const answer = answerOf(ticket, () => ({}));
  if (answer.status !== 'completed') return answer;
  return service.isUnlocked ? { status: 'completed', ...look(service.unlocked()) } : lockedAnswer();
}

export function connectAsk(agent: AgentFacts): Ask {
  return { ...changeAsk(agent, { action: 'Connect' }, null), reason: 'to see the names of environments and variables' };
}

export function changeAsk(agent: AgentFacts, work: Work, createdBy: string | null): Ask {
  return { agent, work, reason: '', stdin: null, createdBy, outputAtMost: 'redacted', needsAdmission: true };
}

/** By id only: an agent learns ids from the lists it may see, and cannot guess at names. */
export function environmentOf(vault: Pick<Vault, 'environment'>, environmentId: string): Environment {
  const hint = 'call list_environments for the ids';
  const absent = new Failure('name/not_found', 'there is no such environment', { field: 'environmentId', hint });
  if (!isId('env', environmentId)) throw absent;
  try {
    return vault.environment(environmentId);
  } catch (error) {
    throw error instanceof Failure && error.code === 'name/not_found' ? absent : error;
  }
}
