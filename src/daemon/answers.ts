// From a ticket to what the agent is told, and for how long a call waits for it.

import { Failure } from '../core/failure.ts';
import type { RunAnswer, RunResult } from '../core/request.ts';
import type { ChangeMade, TicketEnd } from '../authority/powers.ts';
import type { Ticket } from '../authority/tickets.ts';
import { WAIT_SECONDS_MAX } from '../wire/methods.ts';
import type { AgentAnswer } from '../wire/views.ts';

/** Once approved, a call waits this much longer for the run: the whole stays below a client's own limit (300 s in Codex). */
const WORK_WAIT_SECONDS = 200;

export type Completed = {
  readonly requestId: string;
  readonly made: ChangeMade | null;
  readonly result: RunResult | null;
};

/** Waits at most `waitSeconds` for the human and, when the answer was yes, a while for what was approved. */
export async function waitFor(ticket: Ticket, waitSeconds: number, signal: AbortSignal): Promise<void> {
  // Most calls find their answer at once, and the timers of a wait would be most of their cost.
  if (ticket.state.at === 'over') return;
  const forHuman = AbortSignal.any([signal, AbortSignal.timeout(Math.min(waitSeconds, WAIT_SECONDS_MAX) * 1_000)]);
  while (ticket.state.at === 'waiting' && !forHuman.aborted) await ticket.changed(forHuman);
  const forWork = AbortSignal.any([signal, AbortSignal.timeout(WORK_WAIT_SECONDS * 1_000)]);
  while (ticket.state.at === 'working' && !forWork.aborted) await ticket.changed(forWork);
}

/** The ticket as an answer. Throws the Failure of a ticket that ended in one the agent can correct. */
export function answerOf<T extends object>(ticket: Ticket, completed: (end: Completed) => T): AgentAnswer<T> {
  const { state, requestId } = ticket;
  switch (state.at) {
    case 'waiting':
      return pending(requestId, 'The human has been asked. Call check_request with this requestId; do not ask again.');
    case 'working':
      return pending(requestId, 'Approved and still running. Call check_request with this requestId for the result.');
    case 'over':
      return overAnswer(requestId, state.end, completed);
  }
}

function overAnswer<T extends object>(
  requestId: string,
  end: TicketEnd,
  completed: (end: Completed) => T,
): AgentAnswer<T> {
  switch (end.status) {
    case 'completed':
      return { status: 'completed', ...completed({ ...end, requestId }) };
    case 'failed':
      if (end.failure.code === 'vault/locked') return lockedAnswer();
      throw end.failure;
    case 'denied':
    case 'forbidden':
      return { status: end.status, requestId, retry: 'none', message: end.message };
    case 'expired':
    case 'locked':
    case 'approver_unavailable':
      return { status: end.status, requestId, retry: 'later', message: end.message };
  }
}

export function lockedAnswer(): AgentAnswer<never> {
  return {
    status: 'locked',
    retry: 'later',
    message: 'The vault is locked. Ask the human to run "keystile unlock" in a terminal, then call again.',
  };
}

/** What a finished ticket of any kind says, for `check_request`. */
export function anyResult(ticket: Ticket, accountId: string): (end: Completed) => Record<string, unknown> {
  const { work, agent } = ticket.request;
  return ({ made, result }) => {
    if (result !== null) return { ...runAnswer(ticket.requestId, result) };
    if (work.action === 'Connect') return { accountId, agentId: agent.agentId, locked: false };
    return made === null ? {} : changeResult(made);
  };
}

/** Throws `internal/error` when a run's ticket has no result, which cannot be. */
export function resultOf({ result, requestId }: Completed): RunAnswer {
  if (result === null) throw new Failure('internal/error', 'a run ended without a result');
  return runAnswer(requestId, result);
}

const HELD =
  'The human has the output and may release it. If you need it, ask them, then call check_request with this requestId.';
const HIDDEN = 'Secrets in the output are hidden on purpose: do not try to print them in another form.';

/** An honest model that is told so does not try; what another one is told makes no difference. */
function runAnswer(requestId: string, result: RunResult): RunAnswer {
  const message = result.outputMode === 'summary' ? HELD : result.redactions.length > 0 ? HIDDEN : null;
  return { requestId, ...(message === null ? {} : { message }), confidence: 'best-effort', ...result };
}

export function changeResult(made: ChangeMade): Record<string, unknown> {
  switch (made.kind) {
    case 'created':
      return { environmentId: made.environmentId };
    case 'appended':
      return { missing: [...made.missing] };
    case 'mounted':
      return { mountPath: made.path };
    case 'imported':
      return { environmentId: made.environmentId, variableNames: [...made.variableNames] };
    case 'renamed':
    case 'revealed':
    case 'unmounted':
    case 'removed':
      return {};
  }
}

function pending(requestId: string, message: string): AgentAnswer<never> {
  return { status: 'approval_pending', requestId, retry: 'poll', message };
}
