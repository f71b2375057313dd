// Held output is read by the human, and released to the agent that ran the program.

import { TIER_PASSPHRASE } from '../authority/policy.ts';
import { Failure } from '../core/failure.ts';
import type { Call, Handlers } from '../wire/calls.ts';
import { fitText } from './output-text.ts';
import type { Service } from './service.ts';

export function heldOutputHandlers(service: Service) {
  return {
    'run.output': async (call: Call<'run.output'>) => {
      const { runId } = call.params;
      const { stdout, stderr, unmaskable } = service.heldOutputs.read(service.unlocked(), runId);
      await service.record({ event: 'output_read', facts: { runId } });
      call.setParts([stdout, stderr]);
      return { unmaskable };
    },
    'run.release': async ({ params: { runId } }: Call<'run.release'>) => {
      await releaseOutput(service, runId);
      return {};
    },
  } satisfies Partial<Handlers>;
}

/** Hands held output to the agent: from now on check_request answers with it. */
async function releaseOutput(service: Service, runId: string): Promise<void> {
  const masked = service.heldOutputs.read(service.unlocked(), runId);
  const ticket = service.authority.tickets.findRun(runId);
  if (ticket?.state.at !== 'over' || ticket.state.end.status !== 'completed' || ticket.state.end.result === null) {
    throw new Failure('run/nothing_held', 'the agent that ran it can no longer be given the output');
  }
  await service.record({
    event: 'output_released',
    facts: { runId, requestId: ticket.requestId, tier: TIER_PASSPHRASE },
  });
  const { withheldFor: _names, message: _next, ...result } = ticket.state.end.result;
  const [stdout, stderr] = [fitText(masked.stdout.toString('utf8')), fitText(masked.stderr.toString('utf8'))];
  const released = {
    stdout: stdout.text,
    stderr: stderr.text,
    truncated: result.truncated || stdout.isCut || stderr.isCut,
    redactions: masked.redactions,
    outputMode: 'redacted' as const,
  };
  ticket.replaceEnd({ ...ticket.state.end, result: { ...result, ...released } });
  service.heldOutputs.drop(service.unlocked(), runId);
}
