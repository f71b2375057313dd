// The files that are mounted while the vault is unlocked, what was refused to their readers for good, and the sealed
// backups of files that a mount took the place of.

import { Failure } from '../core/failure.ts';
import { MOUNTS_MAX, type MountBackend } from '../core/mount.ts';
import { Secret } from '../core/secret.ts';
import type { Records } from './records.ts';
import type { StoredRecord } from './seal.ts';

/** Refusals kept with one mount; the oldest go first (I8). */
export const DENIALS_MAX = 100;
/** A backup is the only copy of what somebody wrote: none is dropped to make room (I8). */
export const BACKUPS_MAX = 100;
/** Permission bits, in front of the bytes of a backup. */
const MODE_BYTES = 2;

export interface StoredMount {
  readonly mountId: string;
  readonly environmentId: string;
  /** Absolute; at most one mount has it. */
  readonly path: string;
  readonly backend: MountBackend;
  /** The agent that asked for it, or null for the human. */
  readonly createdBy: string | null;
  /** What was refused for good (authority/readers.ts), and how that reads. */
  readonly denials: readonly { readonly denial: string; readonly program: string }[];
}

export class Mounts {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  /** Ordered by path. */
  list(): StoredMount[] {
    const all = this.#records.list('mount', '').map((record) => this.#records.openJson<StoredMount>(record));
    return all.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Adds or replaces the mount of that path. Throws `mount/limit`. */
  put(mount: StoredMount): void {
    this.#records.transaction(() => {
      const known = this.#records.find('mount', '', mount.path);
      if (known === undefined && this.#records.count('mount', '') >= MOUNTS_MAX) {
        throw new Failure('mount/limit', `at most ${MOUNTS_MAX} files can be mounted`);
      }
      const id = known?.id ?? this.#records.hiddenId();
      const denials = mount.denials.slice(-DENIALS_MAX);
      this.#records.putJson({ type: 'mount', id, parent: '', name: mount.path }, { ...mount, denials });
    });
  }

  remove(path: string): void {
    const record = this.#records.find('mount', '', path);
    if (record !== undefined) this.#records.remove(record);
  }

  /** Keeps a file as it was, with its permission bits. The caller wipes `bytes`. Throws `mount/exists`, `mount/limit`. */
  keepBackup(path: string, mode: number, bytes: Buffer): void {
    this.#records.transaction(() => {
      if (this.#backup(path) !== undefined) {
        throw new Failure('mount/exists', 'the vault holds an earlier copy of a file from that path', {
          hint: 'bring it back first, with keystile unmount PATH --restore, or drop it with --forget-backup',
        });
      }
      if (this.#records.count('backup', '') >= BACKUPS_MAX) {
        throw new Failure('mount/limit', `the vault keeps at most ${BACKUPS_MAX} copies of files`);
      }
      const content = Buffer.alloc(MODE_BYTES + bytes.length);
      content.writeUInt16BE(mode & 0o7777);
      bytes.copy(content, MODE_BYTES);
      this.#records.put({ type: 'backup', id: this.#records.hiddenId(), parent: '', name: path }, content);
      content.fill(0);
    });
  }

  hasBackup(path: string): boolean {
    return this.#backup(path) !== undefined;
  }

  /** Throws `mount/not_found`. */
  backup(path: string): { readonly mode: number; readonly bytes: Secret } {
    const record = this.#backup(path);
    if (record === undefined) throw new Failure('mount/not_found', 'the vault holds no copy of a file from that path');
    const content = this.#records.open(record);
    const bytes = new Secret(Buffer.from(content.subarray(MODE_BYTES)));
    const mode = content.readUInt16BE();
    content.fill(0);
    return { mode, bytes };
  }

  dropBackup(path: string): void {
    const record = this.#backup(path);
    if (record !== undefined) this.#records.remove(record);
  }

  #backup(path: string): StoredRecord | undefined {
    return this.#records.find('backup', '', path);
  }
}
