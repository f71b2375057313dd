// One job in a runner, from the order to the report: check, open, start, mask, add up. The runner goes through the same
// once before it has a job (rehearsal.ts).

import { maskabilityOf } from '../core/maskability.ts';
import { unpad } from '../core/padding.ts';
import { NeedleSet, Redactor } from '../core/redactor/redactor.ts';
import type { Redaction } from '../core/request.ts';
import { NO_SIGNS, type MaskingSigns } from '../core/suspicion.ts';
import { applyForm } from '../core/value-form.ts';
import { openXaes } from '../core/xaes.ts';
import { Child } from './child.ts';
import type { ChildEnd } from './child.ts';
import { childEnvironment } from './environment.ts';
import type { OpenValue } from './environment.ts';
import { enterFolder, gatherEvidence, hasChanged, recheck } from './evidence.ts';
import type { Report, RunEnded, RunJob } from './job.ts';
import { Output } from './output.ts';

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
  const values = await openValues(job);
  const { masked, unmaskable } = judged(job, values);
  const needles = NeedleSet.compile(masked);
  const sinceMs = Date.now();
  const masks = [new Redactor(needles), new Redactor(needles)] as const;
  const [stdout, stderr] = [new Output(masks[0]), new Output(masks[1])];
  const { program, argv, stdin, timeoutMs } = job;
  try {
    const environment = childEnvironment(job.baseEnvironment, job.environmentDelta, values, job.runId);
    recheck(evidence);
    const startedAt = performance.now();
    const child = await Child.start({ program, argv, environment, stdin, stdout, stderr, timeoutMs });
    if (hasChanged(evidence.program)) child.stop('program_changed');
    stage.onStart(child);
    for (const { value } of values) value.fill(0);
    stage.report({ kind: 'started', pid: child.pid, startedAt: child.startedAt });
    const end = await child.ended;
    return { ...ended(end, performance.now() - startedAt, stdout, stderr, masks), unmaskable };
  } finally {
    for (const { value } of values) value.fill(0);
    stage.takeNeedles(needles, sinceMs);
  }
}

/** The caller wipes what it gets. Keys are wiped here as soon as they were used. */
async function openValues(job: RunJob): Promise<OpenValue[]> {
  const values: OpenValue[] = [];
  for (const { name, key, nonce, sealed, aad, form } of job.variables) {
    const padded = openXaes(key, nonce, sealed, aad);
    key.fill(0);
    try {
      values.push({ name, value: await applyForm(unpad(padded), form, Date.now()) });
    } finally {
      padded.fill(0);
    }
  }
  return values;
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
  stdout: Output,
  stderr: Output,
  masks: readonly Redactor[],
): Omit<RunEnded, 'unmaskable'> {
  for (const output of [stdout, stderr]) output.end();
  return {
    kind: 'ended',
    why,
    exitCode,
    signal,
    timedOut: why === 'timed_out',
    durationMs: Math.round(durationMs),
    stdout: stdout.bytes(),
    stderr: stderr.bytes(),
    stdoutLines: stdout.lines,
    stderrLines: stderr.lines,
    truncated: stdout.isTruncated || stderr.isTruncated,
    redactions: sumOf(masks.flatMap(({ redactions }) => redactions)),
    signs: signsOf(masks),
  };
}

function neverStarted(): RunEnded {
  const nothing = { exitCode: null, signal: null, timedOut: false, durationMs: 0, truncated: false, redactions: [] };
  const silence = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), stdoutLines: 0, stderrLines: 0 };
  return { kind: 'ended', why: 'killed', ...nothing, ...silence, unmaskable: [], signs: NO_SIGNS };
}

/** Both streams together. */
function signsOf(masks: readonly Redactor[]): MaskingSigns {
  return { ...NO_SIGNS, fragments: masks.reduce((sum, { parts }) => sum + parts, 0) };
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
