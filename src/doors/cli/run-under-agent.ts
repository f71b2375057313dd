// `run` as a coding agent starts it: nothing comes to this process but masked output. The command becomes a request of
// that agent; once the human has said yes the daemon runs it, as it does for run_with_credentials.

import type { EnvFileEntry } from '../../core/env-file.ts';
import { Failure } from '../../core/failure.ts';
import { formatReference } from '../../core/reference.ts';
import { constants } from 'node:os';
import type { Call } from './command.ts';
import { standard } from './output.ts';
import type { RunPlan } from './run-plan.ts';
import { WAITING } from './values.ts';

/** As long as a tool call may take. */
const TIMEOUT_SECONDS = 3_600;

export async function runUnderAgent(call: Call, plan: RunPlan): Promise<number> {
  if (call.has('no-masking')) {
    throw new Failure('human/under_agent', 'a coding agent started this command', { hint: 'leave --no-masking out' });
  }
  const [environment, ...others] = plan.environments;
  if (others.length > 0) {
    const hint = 'name one environment; files may have references beside it';
    throw new Failure('human/under_agent', 'a coding agent started this command', { hint });
  }
  const referring = plan.entries.filter(({ value }) => value.references.length > 0);
  const plain = plan.entries.filter(({ value }) => value.references.length === 0);
  const daemon = await call.daemon();
  call.output.note(WAITING);
  const { result } = await daemon.call('run.ask', {
    ...(environment === undefined ? {} : { environment }),
    references: Object.fromEntries(referring.map((entry) => [entry.name, loneReference(entry)])),
    env: Object.fromEntries(plain.map(({ name, value }) => [name, textOf(value)])),
    argv: [...call.command],
    cwd: process.cwd(),
    timeoutSeconds: TIMEOUT_SECONDS,
  });
  await call.output.value(Buffer.from(result.stdout));
  standard('stderr').write(result.stderr);
  if (result.outputMode === 'summary') {
    const lines = `${result.stdoutLines} lines of output and ${result.stderrLines} of errors`;
    if (result.withheldFor !== undefined)
      call.output.note(`keystile: masking cannot hide ${result.withheldFor.join(', ')}`);
    call.output.note(
      `keystile: ${lines} are kept back; the human can release them with keystile release ${result.runId},` +
        ` and then check_request with ${result.requestId} has them`,
    );
  }
  if (result.truncated) call.output.note('keystile: the middle of the output is left out');
  return exitCodeOf(result);
}

/** What the daemon hands over is a whole value: nothing is put together from it where the agent could look. */
function loneReference({ name, value: { pieces } }: EnvFileEntry): string {
  const [only, ...more] = pieces;
  if (only?.kind === 'reference' && more.length === 0) return formatReference(only.reference);
  throw new Failure(
    'human/under_agent',
    `${name} has text around its reference, which only the human's own run fills in`,
    {
      field: name,
      hint: 'keep the whole text as one field of an item, and refer to that',
    },
  );
}

function textOf({ pieces }: EnvFileEntry['value']): string {
  return Buffer.concat(pieces.flatMap((piece) => (piece.kind === 'text' ? [piece.bytes] : []))).toString('utf8');
}

function exitCodeOf({
  exitCode,
  signal,
}: {
  readonly exitCode: number | null;
  readonly signal: string | null;
}): number {
  if (exitCode !== null) return exitCode;
  const number = Object.entries(constants.signals).find(([name]) => name === signal)?.[1] ?? 0;
  return 128 + number;
}
