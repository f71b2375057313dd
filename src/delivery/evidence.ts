// Whether the files of a run are still the ones the human saw. Checked before anything is decrypted, and again in the
// last moment before the program is started (A08).
//
// What stays open, said plainly: between the last look and the moment the kernel maps the program, and until an
// interpreter has read its script, somebody with write access to the file can still change it in place. A change of the
// program in that window is seen right after the start, and the run is killed; a change of a script is not seen. So the
// prompt says "disclosed to this program" wherever the agent could write the file.

import { statSync } from 'node:fs';
import { Failure } from '../core/failure.ts';
import { fileFacts } from '../machine/digest.ts';
import type { ExpectedFile, RunJob } from './job.ts';

/** A write, a rename over it or a change of mode moves at least one of these; the change time cannot be set back. */
interface Snapshot {
  readonly path: string;
  readonly marks: string;
}

export interface Evidence {
  readonly program: Snapshot;
  readonly operands: readonly Snapshot[];
}

/** Digests every file again. Throws `request/operand_changed` for the first one that is not as expected. */
export async function gatherEvidence(expected: RunJob['expected']): Promise<Evidence> {
  const program = await checkFile(expected.program);
  const operands: Snapshot[] = [];
  for (const operand of expected.operands) operands.push(await checkFile(operand));
  return { program, operands };
}

/** The last look, without reading the files again. Throws `request/operand_changed`. */
export function recheck(evidence: Evidence): void {
  for (const snapshot of [evidence.program, ...evidence.operands]) {
    if (hasChanged(snapshot)) throw changed(snapshot.path);
  }
}

/** Whether a file was touched since it was digested. */
export function hasChanged(snapshot: Snapshot): boolean {
  return marksOf(snapshot.path) !== snapshot.marks;
}

/**
 * Goes to the folder of the run and looks at what it is now in: a child inherits that very folder, so no name is
 * looked up again after the check. Throws `request/operand_changed`.
 */
export function enterFolder({ path, dev, ino }: RunJob['expected']['cwd']): void {
  try {
    process.chdir(path);
  } catch {
    throw changed(path);
  }
  const here = statSync('.', { bigint: true });
  if (String(here.dev) !== dev || String(here.ino) !== ino) throw changed(path);
}

async function checkFile({ path, digest, bytes }: ExpectedFile): Promise<Snapshot> {
  // Taken first: a write while the file is being digested shows too.
  const marks = marksOf(path);
  const facts = marks === null ? null : await fileFacts(path).catch(() => null);
  if (marks === null || facts?.digest !== digest || facts.bytes !== bytes) throw changed(path);
  return { path, marks };
}

function marksOf(path: string): string | null {
  try {
    const { dev, ino, size, mode, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mode, mtimeNs, ctimeNs].join(' ');
  } catch {
    return null;
  }
}

function changed(path: string): Failure {
  return new Failure('request/operand_changed', `${path} is not what it was when it was shown`);
}
