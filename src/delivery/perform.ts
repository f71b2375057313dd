// One job in a runner, from the order to the report: check, open, start, mask, add up. The runner goes through the same
// once before it has a job (rehearsal.ts).

import { maskabilityOf } from '../core/maskability.ts';
import { NeedleSet, Redactor } from '../core/redactor/redactor.ts';
import type { Redaction } from '../core/request.ts';
import { NO_SIGNS } from '../core/suspicion.ts';
import { Child } from './child.ts';
import type { ChildEnd } from './child.ts';
import { childEnvironment } from './environment.ts';
import type { OpenValue } from './environment.ts';
import { enterFolder, gatherEvidence, hasChanged, recheck } from './evidence.ts';
import type { Report, RunEnded, RunJob } from './job.ts';
import { OpenValues } from './open-values.ts';
import { Output, kept } from './output.ts';
import { SecondLook } from './second-look.ts';

/** What a job needs of the process it runs in. */
export interface Stage {
  isStopped(): boolean;
  /** Ends the child at once when the run was stopped meanwhile. */
  onStart(child: Child): void;
  report(message: Report): void;
  /** Takes over what the output of a run that began at `sinceMs` (since 1970) was masked with, and wipes it. */
  takeNeedles(needles: NeedleSet, sinceMs: number): void;
}

/**
 * Runs a job to its end. Nothing is decrypted before every check has passed. Throws what `refused` says. The caller wipes
 * the job.
 */
export async function perform(job: RunJob, stage: Stage): Promise<RunEnded> {
  const evidence = await gatherEvidence(job.expected);
  enterFolder(job.expected.cwd);
  if (stage.isStopped()) return neverStarted();
  using values = await OpenValues.of(job.variables);
  const { masked, unmaskable } = judged(job, values.all);
  const needles = NeedleSet.compile(masked);
  const look = new SecondLook();
  const sinceMs = Date.now();
  const masks = [new Redactor(needles), new Redactor(needles)] as const;
  const stdout = new Output(masks[0], (chunk) => look.arrivals.push(0, chunk));
  const stderr = new Output(masks[1], (chunk) => look.arrivals.push(1, chunk));
  const { program, argv, stdin, timeoutMs } = job;
  try {
    const environment = childEnvironment(job.baseEnvironment, job.environmentDelta, values.all, job.runId);
    recheck(evidence);
    const startedAt = performance.now();
    const child = await Child.start({ program, argv, environment, stdin, stdout, stderr, timeoutMs });
    if (hasChanged(evidence.program)) child.stop('program_changed');
    stage.onStart(child);
    look.learn(masked, needles);
    values.wipe();
    stage.report({ kind: 'started', pid: child.pid, startedAt: child.startedAt });
    const end = await child.ended;
    return { ...ended(end, performance.now() - startedAt, [stdout, stderr], masks, look), unmaskable };
  } finally {
    stage.takeNeedles(needles, sinceMs);
    // Megabytes, for which nobody should wait: the report is written first.
    setImmediate(() => look.wipe());
  }
}

/**
 * What is looked for, and the names of secrets that masking does not hide. They are judged here, where every value is in
 * the clear: what a source gave was never seen before, and what an older version stored was judged by its length.
 * A secret that cannot be masked is looked for all the same: a human may release what was kept back.
 */
function judged(
  job: RunJob,
  values: readonly OpenValue[],
): { readonly masked: readonly OpenValue[]; readonly unmaskable: readonly string[] } {
  const all = values.map((open, i) => {
    const { concealed = true, isSecret = true, maskable = false } = job.variables[i] ?? {};
    return { open, concealed, isSecret, isMaskable: maskable && maskabilityOf(open.value) === 'maskable' };
  });
  return {
    masked: all.filter((one) => one.concealed && (one.isSecret || one.isMaskable)).map(({ open }) => open),
    unmaskable: all.filter((one) => one.isSecret && !one.isMaskable).map(({ open }) => open.name),
  };
}

function ended(
  { why, exitCode, signal }: ChildEnd,
  durationMs: number,
  outputs: readonly [Output, Output],
  masks: readonly [Redactor, Redactor],
  look: SecondLook,
): Omit<RunEnded, 'unmaskable'> {
  for (const output of outputs) output.end();
  const isMasked = masks.map(({ redactions }) => redactions.length > 0);
  const swept = look.at([
    { output: outputs[0], isMasked: isMasked[0] === true },
    { output: outputs[1], isMasked: isMasked[1] === true },
  ]);
  const [stdout, stderr] = [kept(swept.texts[0]), kept(swept.texts[1])];
  const { scattered, decoded, isComplete } = swept.signs;
  return {
    kind: 'ended',
    why,
    exitCode,
    signal,
    timedOut: why === 'timed_out',
    durationMs: Math.round(durationMs),
    stdout,
    stderr,
    stdoutLines: outputs[0].lines,
    stderrLines: outputs[1].lines,
    truncated: outputs.some(({ isTruncated }) => isTruncated),
    redactions: sumOf([...masks.flatMap(({ redactions }) => redactions), ...swept.redactions]),
    signs: { fragments: masks.reduce((sum, { parts }) => sum + parts, 0), scattered, decoded },
    isSearched: isComplete,
  };
}

function neverStarted(): RunEnded {
  const nothing = { exitCode: null, signal: null, timedOut: false, durationMs: 0, truncated: false };
  const silence = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), stdoutLines: 0, stderrLines: 0 };
  return {
    kind: 'ended',
    why: 'killed',
    ...nothing,
    ...silence,
    unmaskable: [],
    redactions: [],
    signs: NO_SIGNS,
    isSearched: true,
  };
}

/** Both streams together, one entry for each name. */
function sumOf(redactions: readonly Redaction[]): Redaction[] {
  const byName = Map.groupBy(redactions, ({ name }) => name);
  return [...byName].map(([name, parts]) => ({
    name,
    count: parts.reduce((sum, { count }) => sum + count, 0),
    forms: [...new Set(parts.flatMap(({ forms }) => forms))],
  }));
}
