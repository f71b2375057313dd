// What the end of a run is to the agent that asked for it: the output it may see, and why it gets no more.

import type { DeliveryEnd, LeaseOrder } from '../authority/powers.ts';
import { Failure } from '../core/failure.ts';
import type { RunResult } from '../core/request.ts';
import type { RunEnded, RunOutcome } from '../delivery/job.ts';
import { fitText } from './output-text.ts';

/** Names in one sentence to an agent; all of them stand beside it. */
const NAMES_SAID_MAX = 10;

export function deliveryEnd(order: LeaseOrder, outcome: RunOutcome): DeliveryEnd {
  if (outcome.kind === 'refused') return { kind: 'failed', failure: Failure.fromDocument(outcome.failure) };
  if (outcome.why === 'program_changed') {
    return {
      kind: 'failed',
      failure: new Failure('request/operand_changed', 'the program was replaced while it was started'),
    };
  }
  if (outcome.why === 'runner_died') {
    return {
      kind: 'failed',
      failure: new Failure('run/failed', 'the run was ended from outside and its output is lost'),
    };
  }
  return {
    kind: 'ended',
    result: runResult(order, outcome),
    masked: {
      stdout: outcome.stdout,
      stderr: outcome.stderr,
      redactions: outcome.redactions,
      unmaskable: outcome.unmaskable,
    },
    signs: outcome.signs,
  };
}

/** What to do next, by names alone: why each cannot be masked would say something of its value. */
function keptBackText(runId: string, names: readonly string[]): string {
  const said = names.slice(0, NAMES_SAID_MAX).join(', ') + (names.length > NAMES_SAID_MAX ? ', …' : '');
  return `The output is kept back, since masking cannot hide ${said} in it. If you need it, ask the human to read it and run "keystile release ${runId}", then call check_request.`;
}

function runResult(order: LeaseOrder, outcome: RunEnded): RunResult {
  // Where the agent asked for no more than a summary, there is nothing to explain.
  const withheldFor = order.run.output === 'redacted' ? outcome.unmaskable : [];
  const isShown = order.output === 'redacted' && withheldFor.length === 0;
  const { exitCode, signal, timedOut, durationMs, stdoutLines, stderrLines, redactions } = outcome;
  const stdout = fitText(outcome.stdout.toString('utf8'));
  const stderr = fitText(outcome.stderr.toString('utf8'));
  return {
    runId: order.runId,
    exitCode,
    signal,
    timedOut,
    durationMs,
    stdout: isShown ? stdout.text : '',
    stderr: isShown ? stderr.text : '',
    stdoutLines,
    stderrLines,
    truncated: outcome.truncated || (isShown && (stdout.isCut || stderr.isCut)),
    redactions: isShown ? redactions : [],
    outputMode: isShown ? 'redacted' : 'summary',
    ...(outcome.isSearched ? {} : { confidence: 'partial' as const }),
    ...(withheldFor.length === 0 ? {} : { withheldFor, message: keptBackText(order.runId, withheldFor) }),
  };
}
