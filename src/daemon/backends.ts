// The ways there are to mount a file on this machine, each started when it is first needed, and the guard that takes
// away what is left when this process is killed.

import { existsSync, lstatSync, readlinkSync, unlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure } from '../core/failure.ts';
import type { MountBackend } from '../core/mount.ts';
import type { Backend, Doorkeeper, MountedFile } from '../delivery/mount/backend.ts';
import { FifoBackend } from '../delivery/mount/fifo.ts';
import { FileBackend } from '../delivery/mount/file.ts';
import { mountFolderCandidates } from '../delivery/mount/file-folder.ts';
import { FuseBackend } from '../delivery/mount/fuse.ts';
import { Guard, type GuardEntry } from '../delivery/mount/guard.ts';
import { unmountFuse, whyNoFuse } from '../machine/fuse-device.ts';
import { HeldFolder } from '../machine/held-folder.ts';
import type { CheckedFolder } from '../machine/mount-path.ts';
import type { HomePaths } from '../machine/paths.ts';

export type BackendChoice = MountBackend | 'auto';

export class Backends {
  readonly #paths: HomePaths;
  readonly #servesUncounted: boolean;
  readonly #guard = new Guard();
  /** Why FUSE failed although it looked usable: a container may forbid mount(2). */
  #fuseFailure: string | null = null;
  #fuse: Promise<FuseBackend> | null = null;
  #fifo: FifoBackend | null = null;
  #file: FileBackend | null = null;
  /** Folders of files that exist only through us, where a link of ours may lead. */
  readonly folders: readonly string[];

  constructor(paths: HomePaths, options: { readonly allowUncountedPipes: boolean }) {
    this.#paths = paths;
    this.#servesUncounted = options.allowUncountedPipes;
    this.folders = [paths.mounts, ...mountFolderCandidates(paths.home)];
  }

  /** Takes away what a killed daemon left behind. Never rejects. */
  async removeLeftovers(): Promise<void> {
    if (existsSync(this.#paths.mounts)) await unmountFuse(this.#paths.mounts).catch(() => false);
  }

  /** Throws `mount/unsupported`. */
  choose(wanted: BackendChoice): MountBackend {
    if (wanted === 'auto') return this.#whyNoFuse() === null ? 'fuse' : 'fifo';
    const why = this.#whyNot(wanted);
    if (why !== null) throw new Failure('mount/unsupported', `${wanted} does not work here: ${why}`);
    return wanted;
  }

  /** Why a mount is served that way, for people. */
  why(kind: MountBackend): string {
    if (kind === 'fuse') return 'readers are told apart by the kernel';
    const noFuse = this.#whyNoFuse();
    return noFuse === null ? `${kind} was asked for; fuse works here too` : `no fuse: ${noFuse}`;
  }

  /**
   * Puts something at a path in a folder that was checked; what an earlier daemon left there goes first, if there was one.
   * Throws as `Backend.mount` does, `mount/unsafe`, and `mount/unsupported` without a guard.
   */
  async mount(
    { kind, path, wasMounted }: { readonly kind: MountBackend; readonly path: string; readonly wasMounted: boolean },
    folder: CheckedFolder,
    doorkeeper: Doorkeeper,
  ): Promise<MountedFile> {
    const backend = await this.#get(kind);
    const hold = HeldFolder.open(folder);
    const held = hold.pathOf(basename(path));
    try {
      if (wasMounted) this.#removeStale(held);
      const file = await backend.mount(path, doorkeeper, held);
      const unguard = await this.#guardLink(file, kind, path);
      return new KeptFile(file, unguard, hold);
    } catch (error) {
      hold[Symbol.dispose]();
      return this.#remember(kind, error);
    }
  }

  /** Tells the guard of a link, and gives what makes it forget again. Of a FIFO, which changes, its back end tells it. */
  async #guardLink(file: MountedFile, kind: MountBackend, path: string): Promise<() => void> {
    if (kind === 'fifo') return () => undefined;
    const entry: GuardEntry = { kind: 'link', path, ino: file.identity.ino };
    try {
      if (kind === 'fuse') await this.#guard.watch({ kind: 'unmount', path: this.#paths.mounts });
      await this.#guard.watch(entry);
    } catch (error) {
      await file.close();
      throw error;
    }
    return () => this.#guard.drop(entry);
  }

  /**
   * Takes away what an earlier daemon of this home left at the path of a mount: a FIFO, or a link to where only our
   * files are. Nothing else is touched.
   */
  #removeStale(path: string): void {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined || stats.uid !== process.geteuid?.()) return;
    const leadsToUs = (): boolean => this.folders.some((folder) => readlinkSync(path).startsWith(`${folder}/`));
    if (stats.isFIFO() || (stats.isSymbolicLink() && leadsToUs())) unlinkSync(path);
  }

  async close(): Promise<void> {
    const fuse = await this.#fuse?.catch(() => null);
    await Promise.all([fuse?.close(), this.#fifo?.close(), this.#file?.close()]);
    this.#guard.drop({ kind: 'unmount', path: this.#paths.mounts });
    await this.#guard.close();
  }

  async #get(kind: MountBackend): Promise<Backend> {
    const { mounts: folder, home } = this.#paths;
    switch (kind) {
      case 'fuse':
        this.#fuse ??= FuseBackend.open({ folder, thread: threadScript() });
        return await this.#fuse;
      case 'fifo':
        this.#fifo ??= new FifoBackend({ guard: this.#guard, servesUncounted: this.#servesUncounted });
        return this.#fifo;
      case 'file':
        this.#file ??= new FileBackend({ home });
        return this.#file;
    }
  }

  #remember(kind: MountBackend, error: unknown): never {
    const failure = Failure.from(error);
    if (kind === 'fuse' && failure.code === 'mount/unsupported') this.#fuseFailure = failure.message;
    throw failure;
  }

  #whyNoFuse(): string | null {
    return this.#fuseFailure ?? whyNoFuse();
  }

  #whyNot(kind: MountBackend): string | null {
    switch (kind) {
      case 'fuse':
        return this.#whyNoFuse();
      case 'fifo':
        return null;
      case 'file':
        this.#file ??= new FileBackend({ home: this.#paths.home });
        return this.#file.whyUnsupported();
    }
  }
}

/** A mounted file whose path the guard knows, and whose folder is held until it is closed. */
class KeptFile implements MountedFile {
  readonly #file: MountedFile;
  readonly #unguard: () => void;
  readonly #hold: HeldFolder;
  #isClosed = false;

  constructor(file: MountedFile, unguard: () => void, hold: HeldFolder) {
    this.#file = file;
    this.#unguard = unguard;
    this.#hold = hold;
  }

  get backend(): MountBackend {
    return this.#file.backend;
  }

  get path(): string {
    return this.#file.path;
  }

  get identity(): MountedFile['identity'] {
    return this.#file.identity;
  }

  isIntact(): boolean {
    return this.#file.isIntact();
  }

  async close(): Promise<void> {
    const closing = this.#file.close();
    this.#unguard();
    await closing;
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#hold[Symbol.dispose]();
  }
}

/** Beside the bundle that runs; from source, in the room of the back end. */
function threadScript(): string {
  const path = import.meta.url.endsWith('.ts') ? '../delivery/mount/fuse-thread.ts' : './fuse-thread.js';
  return fileURLToPath(new URL(path, import.meta.url));
}
