// A dotenv file becomes variables in the vault. The daemon reads it itself, so that its bytes are in no message; what was
// digested when it was asked about is what is imported, or nothing is. A mount takes its place only after a sealed copy
// of it is on the disk.

import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readSync,
  unlinkSync,
} from 'node:fs';
import { writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ChangeMade } from '../authority/powers.ts';
import type { DotenvEntry } from '../core/dotenv.ts';
import { readDotenv, wipeDotenv } from '../core/dotenv-read.ts';
import { Failure } from '../core/failure.ts';
import type { ImportFacts } from '../core/mount-facts.ts';
import { parseTitle, parseVariableName } from '../core/names.ts';
import { isOrdinary } from '../core/ordinary-values.ts';
import { Secret } from '../core/secret.ts';
import { isChangeableByUser } from '../machine/digest.ts';
import { gitFacts, untrackCommands } from '../machine/git.ts';
import { checkFolder, checkPathText } from '../machine/mount-path.ts';
import { syncFolder } from '../machine/private-files.ts';
import type { Vault } from '../vault/vault.ts';
import type { BackendChoice } from './backends.ts';
import type { Service } from './service.ts';

const FILE_BYTES_MAX = 1024 * 1024;
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

export interface ImportOrder {
  readonly path: string;
  /** By name; made if there is none. */
  readonly environmentName: string;
  readonly mounts: boolean;
  readonly backend: BackendChoice;
}

/**
 * What is to be imported, for a human to decide about: names, and the digest of the bytes. Throws what is wrong with the
 * file: `dotenv/invalid`, `mount/tracked`, `mount/unsafe`, `name/not_found`, `name/taken`, `input/…`.
 */
export async function importFacts(service: Service, order: ImportOrder): Promise<ImportFacts> {
  const { path, mounts } = order;
  checkPathText(path);
  if (mounts) checkFolder(dirname(path), service.paths.home);
  const vault = service.unlocked();
  const environmentName = parseTitle(order.environmentName, 'environmentName');
  const environment = vault.environments().find(({ name }) => name === environmentName);
  const git = await gitFacts(path);
  if (git.kind === 'repository' && git.isTracked) {
    const hint = untrackCommands(git);
    throw new Failure('mount/tracked', 'git tracks that file, so its values are in the history of the repository', {
      hint,
    });
  }
  const file = readWhole(path);
  try {
    const entries = readDotenv(file.bytes);
    wipeDotenv(entries);
    const names = entries.map(({ name, line }) => parseVariableName(name, `line ${line}`));
    refuseTaken(names, environment?.variables.map(({ name }) => name) ?? []);
    return {
      action: 'ImportFile',
      file: { path, digest: digestOf(file.bytes), bytes: file.bytes.length, isChangeable: isChangeableByUser(path) },
      mode: file.mode,
      environmentId: environment?.environmentId ?? null,
      environmentName,
      names,
      mounts,
      backend: service.mounts.backendFor(order.backend),
    };
  } finally {
    file.bytes.fill(0);
  }
}

/** Imports what was asked about. `createdBy` is the agent that asked. Throws `request/operand_changed` and as above. */
export async function importFile(service: Service, facts: ImportFacts, createdBy: string | null): Promise<ChangeMade> {
  const { path, digest } = facts.file;
  const file = readWhole(path);
  let entries: readonly DotenvEntry[] = [];
  try {
    if (digestOf(file.bytes) !== digest) throw new Failure('request/operand_changed', 'the file was changed meanwhile');
    entries = readDotenv(file.bytes);
    await service.record({
      event: 'file_imported',
      facts: { count: entries.length, digest, ...(createdBy === null ? {} : { agentId: createdBy }) },
      names: { environment: facts.environmentName, path, variables: facts.names },
    });
    const vault = service.unlocked();
    const environmentId = vault.transaction(() => {
      const id = facts.environmentId ?? vault.createEnvironment(facts.environmentName, createdBy).environmentId;
      refuseTaken(
        facts.names,
        vault.environment(id).variables.map(({ name }) => name),
      );
      for (const entry of entries) keep(vault, id, entry);
      if (facts.mounts) vault.mounts.keepBackup(path, file.mode, file.bytes);
      return id;
    });
    if (facts.mounts) await takePlace(service, facts, file, environmentId, createdBy);
    return { kind: 'imported', environmentId, variableNames: facts.names };
  } finally {
    wipeDotenv(entries);
    file.bytes.fill(0);
  }
}

/**
 * Puts back the file that a mount took the place of. Throws `mount/not_found`, `mount/exists`, `mount/unsafe`,
 * `machine/io`.
 */
export async function restoreFile(service: Service, path: string): Promise<void> {
  checkPathText(path);
  // The folder may have become a link to a shared one since (attack F08).
  checkFolder(dirname(path), service.paths.home);
  const { mode, bytes } = service.unlocked().mounts.backup(path);
  using content = bytes;
  if (service.mounts.list().some((mount) => mount.path === path)) await service.mounts.unmount(path);
  await service.record({ event: 'file_restored', facts: {}, names: { path } });
  writeNewFile(path, mode, content.reveal());
  service.unlocked().mounts.dropBackup(path);
}

/** The plain file goes, and a mount comes; when that fails the file is put back as it was. */
async function takePlace(
  service: Service,
  facts: ImportFacts,
  file: WholeFile,
  environmentId: string,
  createdBy: string | null,
): Promise<void> {
  const { path } = facts.file;
  const now = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (now?.ino !== file.ino || now.dev !== file.dev) {
    service.unlocked().mounts.dropBackup(path);
    throw new Failure('request/operand_changed', 'the file was replaced meanwhile; its values are in the vault');
  }
  unlinkSync(path);
  try {
    await service.mounts.mount({ environmentId, path, backend: facts.backend, createdBy });
  } catch (error) {
    writeNewFile(path, file.mode, file.bytes);
    service.unlocked().mounts.dropBackup(path);
    throw error;
  }
}

function keep(vault: Vault, environmentId: string, { name, value: bytes }: DotenvEntry): void {
  const isPlain = isOrdinary(name, bytes);
  using value = new Secret(Buffer.from(bytes));
  vault.setVariable(environmentId, { name, kind: isPlain ? 'plain' : 'literal', concealed: !isPlain, value });
}

function refuseTaken(names: readonly string[], taken: readonly string[]): void {
  const twice = names.filter((name) => taken.includes(name));
  if (twice.length === 0) return;
  throw new Failure('name/taken', `the environment has ${twice.slice(0, 5).join(', ')} already`, {
    field: 'environmentName',
    hint: 'import into a new environment, or unset those first',
  });
}

interface WholeFile {
  /** The caller wipes them. */
  readonly bytes: Buffer;
  readonly mode: number;
  readonly dev: bigint;
  readonly ino: bigint;
}

function readWhole(path: string): WholeFile {
  const fd = attempt('read', () => openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  try {
    const { mode, dev, ino, size, uid } = fstatSync(fd, { bigint: true });
    if ((Number(mode) & constants.S_IFMT) !== constants.S_IFREG) throw unfit('that is not a regular file');
    if (Number(uid) !== process.geteuid?.()) throw unfit('that file belongs to another user');
    if (size > FILE_BYTES_MAX) throw new Failure('input/too_large', `the file has more than ${FILE_BYTES_MAX} bytes`);
    const bytes = Buffer.allocUnsafeSlow(Number(size));
    let at = 0;
    for (let read = 1; at < bytes.length && read > 0; at += read) read = readSync(fd, bytes, at, bytes.length - at, at);
    if (at === bytes.length) return { bytes, mode: Number(mode) & 0o7777, dev, ino };
    bytes.fill(0);
    throw new Failure('request/operand_changed', 'the file was changed while it was read');
  } finally {
    closeSync(fd);
  }
}

/** Never over anything; whole and on the disk when it returns. */
function writeNewFile(path: string, mode: number, bytes: Buffer): void {
  const fd = attempt('write', () => openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600));
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    fchmodSync(fd, mode);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  syncFolder(dirname(path));
}

function attempt<T>(what: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
    if (code === 'EEXIST') throw new Failure('mount/exists', 'there is something at that path already', { cause });
    if (code === 'ENOENT') throw new Failure('input/invalid', 'there is no such file', { field: 'path', cause });
    if (code === 'ELOOP') throw unfit('that is a symbolic link');
    throw new Failure('machine/io', `the file cannot be ${what === 'read' ? 'read' : 'written'}: ${code}`, { cause });
  }
}

function unfit(message: string): Failure {
  return new Failure('input/invalid', message, { field: 'path', hint: 'give the real path of a file of yours' });
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
