// The mounted files of one daemon: made when the vault is unlocked, watched, and gone when it is locked. What happens at a
// single opening is the door's (door.ts).

import { randomBytes } from 'node:crypto';
import type { Variable } from '../core/environment.ts';
import { Failure } from '../core/failure.ts';
import { MOUNTS_MAX, type MountBackend, type MountState } from '../core/mount.ts';
import { makeId } from '../core/names.ts';
import type { MountedFile } from '../delivery/mount/backend.ts';
import { excludeFromGit, gitFacts, untrackCommands } from '../machine/git.ts';
import { checkFolder, checkMountPath, isSameFolder } from '../machine/mount-path.ts';
import type { StoredMount } from '../vault/mounts.ts';
import type { MountView } from '../wire/views.ts';
import { dirname } from 'node:path';
import { Backends, type BackendChoice } from './backends.ts';
import { Door, isInFile } from './door.ts';
import type { Elsewhere } from './elsewhere.ts';
import { MountTexts } from './jobs.ts';
import type { Service } from './service.ts';

/** Tampering is noticed within a second (CONTRACT). One lstat for each mount costs a few microseconds, all day long. */
const LOOK_MS = 800;

/** Mounts opened together after unlock: each waits for the guard, and one answer of it takes as long as twenty. */
const OPENED_AT_ONCE = 20;

/** A mount that is known while the vault is unlocked. */
interface Live {
  stored: StoredMount;
  state: MountState;
  note: string;
  readonly door: Door;
  /** null unless `mounted`. */
  file: MountedFile | null;
}

export interface MountOrder {
  readonly environmentId: string;
  readonly path: string;
  readonly backend: BackendChoice;
  /** The agent that asked, or null for the human. */
  readonly createdBy: string | null;
}

export class Mounts {
  readonly texts = new MountTexts();
  readonly #service: Service;
  readonly #backends: Backends;
  /** By path. */
  readonly #live = new Map<string, Live>();
  /** Changes one after the other: two mounts of one path must not overtake each other. */
  #last: Promise<unknown> = Promise.resolve();
  #looker: NodeJS.Timeout | null = null;

  constructor(service: Service) {
    this.#service = service;
    this.#backends = new Backends(service.paths, service.settings);
  }

  /** Folders of files that exist only through us. */
  get ownFolders(): readonly string[] {
    return this.#backends.folders;
  }

  get count(): number {
    return this.#live.size;
  }

  /** What `auto` means here, in words, and whether there is nothing better. */
  describe(): { readonly found: string; readonly isBest: boolean } {
    const kind = this.#backends.choose('auto');
    return { found: `as ${kind}: ${this.#backends.why(kind)}`, isBest: kind === 'fuse' };
  }

  /** The back end that an order gets. Throws `mount/unsupported`. */
  backendFor(wanted: BackendChoice): MountBackend {
    return this.#backends.choose(wanted);
  }

  /** Whether a file may be mounted there. Throws what `mount` would. Changes nothing. */
  async check(path: string): Promise<void> {
    const live = this.#live.get(path);
    if (live?.state === 'mounted') throw new Failure('mount/exists', `${path} is mounted already`);
    checkMountPath(path, this.#service.paths.home);
    await this.#refuseTracked(path);
  }

  /** Throws `mount/exists`, `mount/unsafe`, `mount/tracked`, `mount/unsupported`, `mount/limit`, `machine/io`. */
  async mount(order: MountOrder): Promise<MountView> {
    return await this.#inTurn(async () => {
      const { environmentId, path, createdBy } = order;
      await this.check(path);
      const backend = this.backendFor(order.backend);
      const vault = this.#service.unlocked();
      const { name } = vault.environment(environmentId);
      if (!this.#live.has(path) && this.#live.size >= MOUNTS_MAX)
        throw new Failure('mount/limit', `at most ${MOUNTS_MAX} files can be mounted`);
      const mountId = makeId('mount', randomBytes(13));
      const stored = { mountId, environmentId, path, backend, createdBy, denials: [] };
      const facts = { mountId, environmentId, why: backend, ...(createdBy === null ? {} : { agentId: createdBy }) };
      await this.#service.record({ event: 'mounted', facts, names: { environment: name, path } });
      await this.#excludeFromGit(path);
      const live = this.#newLive(stored);
      await this.#open(live, false);
      if (live.state !== 'mounted') throw new Failure('mount/unsafe', live.note);
      this.#service.unlocked().mounts.put(stored);
      this.#live.set(path, live);
      this.#startLooking();
      return this.#view(live);
    });
  }

  /** Takes a mount away. Throws `mount/not_found`. */
  async unmount(path: string): Promise<void> {
    await this.#inTurn(async () => {
      const { stored, file } = this.find(path);
      const { mountId, environmentId } = stored;
      this.#live.delete(path);
      const closing = file?.close();
      await this.#service.authority.revoke({ what: 'mount', mountId });
      await closing;
      await this.#service.record({ event: 'unmounted', facts: { mountId, environmentId }, names: { path } });
      this.#service.unlocked().mounts.remove(path);
      this.#stopLookingIfIdle();
    });
  }

  /** Throws `mount/not_found`. */
  find(path: string): Pick<Live, 'stored' | 'file' | 'state'> {
    const live = this.#live.get(path);
    if (live === undefined) throw new Failure('mount/not_found', 'nothing is mounted there');
    return live;
  }

  list(): MountView[] {
    return [...this.#live.values()].map((live) => this.#view(live));
  }

  /** Remembers that a program was refused for good. */
  denyForGood(mountId: string, denial: string, program: string): void {
    const live = [...this.#live.values()].find(({ stored }) => stored.mountId === mountId);
    if (live !== undefined)
      this.#store(live, { ...live.stored, denials: [...live.stored.denials, { denial, program }] });
  }

  /** Readers of that mount are asked about again. Throws `mount/not_found`. */
  askAgain(path: string): void {
    const live = this.#live.get(path);
    if (live === undefined) throw new Failure('mount/not_found', 'nothing is mounted there');
    this.#service.authority.denials.forget(live.stored.mountId);
    this.#store(live, { ...live.stored, denials: [] });
  }

  /** Before anything is mounted: what a killed daemon left is taken away. Never rejects. */
  async removeLeftovers(): Promise<void> {
    await this.#backends.removeLeftovers();
  }

  /** After unlock: what was mounted comes back. One that cannot says why, and keeps nobody else from it. */
  async openAll(): Promise<void> {
    await this.#inTurn(async () => {
      const stored = this.#service.unlocked().mounts.list();
      this.#service.authority.denials.remember(stored.flatMap(({ denials }) => denials.map(({ denial }) => denial)));
      for (let at = 0; at < stored.length && this.#service.isUnlocked; at += OPENED_AT_ONCE) {
        const next = stored.slice(at, at + OPENED_AT_ONCE).map((mount) => this.#newLive(mount));
        for (const live of next) this.#live.set(live.stored.path, live);
        await Promise.all(next.map(async (live) => await this.#open(live, true)));
      }
      if (this.#live.size > 0) this.#startLooking();
    });
  }

  /** At lock: every path is gone and nobody waits any more when this returns its promise. */
  async closeAll(): Promise<void> {
    const closing = [...this.#live.values()].map(async ({ file }) => await file?.close());
    this.#live.clear();
    this.texts.wipe();
    this.#stopLookingIfIdle();
    await Promise.all(closing);
  }

  async stop(): Promise<void> {
    await this.closeAll();
    await this.#backends.close();
  }

  /** Looks at every path, and counts what was refused. */
  async look(): Promise<void> {
    for (const live of this.#live.values()) {
      live.door.flush();
      if (live.file !== null && !live.file.isIntact()) await this.#tampered(live, live.file);
    }
  }

  async #open(live: Live, wasMounted: boolean): Promise<void> {
    const { path, backend } = live.stored;
    try {
      const folder = checkFolder(dirname(path), this.#service.paths.home);
      const file = await this.#backends.mount({ kind: backend, path, wasMounted }, folder, live.door);
      // Between the check and now somebody may have put another folder, or a link, in its place (attack F08). And the
      // vault may have been locked.
      if (!isSameFolder(folder) || !file.isIntact() || !this.#service.isUnlocked) {
        await file.close();
        throw new Failure('mount/unsafe', 'the folder changed while the file was mounted');
      }
      Object.assign(live, { file, state: 'mounted', note: '' });
    } catch (error) {
      const failure = Failure.from(error);
      if (failure.code === 'internal/error') this.#service.log.failure('mount', error);
      Object.assign(live, { file: null, state: 'failed', note: `${failure.message}; ${failure.hint}` });
    }
  }

  /** Something else stands at the path: what we have there is not served any more, and whoever reads it is warned. */
  async #tampered(live: Live, file: MountedFile): Promise<void> {
    const { mountId, environmentId, path } = live.stored;
    const note = 'something else stands at the path; look at it, remove it, and mount again';
    Object.assign(live, { file: null, state: 'tampered', note });
    const closing = file.close();
    try {
      await this.#service.authority.revoke({ what: 'mount', mountId });
      await this.#service.record({ event: 'mount_tampered', facts: { mountId, environmentId }, names: { path } });
    } catch (error) {
      this.#service.log.failure('mount', error);
    }
    await closing;
  }

  async #refuseTracked(path: string): Promise<void> {
    const git = await gitFacts(path);
    if (git.kind === 'none' || !git.isTracked) return;
    throw new Failure('mount/tracked', 'git tracks that file, so its values are in the history of the repository', {
      hint: untrackCommands(git),
    });
  }

  async #excludeFromGit(path: string): Promise<void> {
    const git = await gitFacts(path);
    if (git.kind === 'repository' && !git.isIgnored) excludeFromGit(git);
  }

  #newLive(stored: StoredMount): Live {
    const live: Live = {
      stored,
      state: 'failed',
      note: '',
      door: new Door(this.#service, () => live.stored),
      file: null,
    };
    return live;
  }

  #store(live: Live, stored: StoredMount): void {
    live.stored = stored;
    this.#service.unlocked().mounts.put(stored);
  }

  #view({ stored, state, note }: Live): MountView {
    const { mountId, path, environmentId, backend, denials } = stored;
    const { authority } = this.#service;
    const vault = this.#service.unlocked();
    const environment = vault.environments().find((candidate) => candidate.environmentId === environmentId);
    return {
      mountId,
      path,
      environmentId,
      environmentName: environment?.name ?? '(deleted)',
      backend,
      backendWhy: this.#backends.why(backend),
      state,
      note,
      readers: authority.leases.all().filter(({ work }) => 'mountId' in work && work.mountId === mountId).length,
      denied: denials.map(({ program }) => program),
      leftOut: leftOutOf(environment?.variables ?? [], this.#service.elsewhere),
      hasBackup: vault.mounts.hasBackup(path),
    };
  }

  #startLooking(): void {
    this.#looker ??= setInterval(() => {
      this.look().catch((error: unknown) => this.#service.log.failure('mount', error));
    }, LOOK_MS).unref();
  }

  #stopLookingIfIdle(): void {
    if (this.#live.size > 0 || this.#looker === null) return;
    clearInterval(this.#looker);
    this.#looker = null;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return await turn;
  }
}

function leftOutOf(variables: readonly Variable[], elsewhere: Elsewhere): string[] {
  return variables.filter((variable) => !isInFile(variable, elsewhere)).map(({ name }) => name);
}
