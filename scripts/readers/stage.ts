// Where readers are measured: a throwaway home, an environment with canaries, and for each back end a project of its own, a
// git repository with a mounted `.env` in it. Everything runs as an ordinary user where that can be had.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chownSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MountBackend } from '../../src/core/mount.ts';
import { House, ROOT, installedForAll } from '../../test/house.ts';
import { projectFiles } from './project.ts';
import { newerDotenv } from './python.ts';
import { tableValues, type TableValue } from './values.ts';

export const BACKENDS: readonly MountBackend[] = ['fuse', 'fifo', 'file'];

/** fusermount3 refuses a user without an account, and everybody has this one. */
const NOBODY = 65_534;
/** Longer than any program of the table takes on a busy machine; shorter than the patience of the file back end. */
const DEADLINE_MS = 30_000;
const ENVIRONMENT = 'shop';
/** What readers of Node find beside them. */
const PACKAGES = ['dotenv', 'chokidar', 'readdirp'];

/** One project with a mounted `.env`. */
export interface Place {
  readonly backend: MountBackend;
  readonly folder: string;
  /** The mounted file. */
  readonly path: string;
}

/** What became of a program. */
export interface Ended {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** Whether it had to be ended. */
  readonly isHung: boolean;
}

/** A program that runs. */
export interface Started {
  readonly ended: Promise<Ended>;
  /** What it printed so far. */
  readonly printed: () => string;
  /** Ends it and everything it started. */
  readonly kill: () => void;
}

export class Stage implements AsyncDisposable {
  readonly house: House;
  readonly values: readonly TableValue[] = tableValues();
  readonly #places = new Map<MountBackend, Place | string>();

  private constructor(house: House) {
    this.house = house;
  }

  static async open(): Promise<Stage> {
    const house = await House.open(process.geteuid?.() === 0 ? { uid: NOBODY } : {});
    const stage = new Stage(house);
    try {
      await stage.#fillVault();
      for (const name of PACKAGES)
        cpSync(join(ROOT, 'node_modules', name), join(house.root, 'node_modules', name), {
          recursive: true,
          dereference: true,
        });
      for (const backend of BACKENDS) stage.#places.set(backend, await stage.#makePlace(backend));
      return stage;
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The place of a back end, or why there is none. */
  place(backend: MountBackend): Place | string {
    return this.#places.get(backend) ?? 'not tried';
  }

  /** Node, where this user can read it. */
  get node(): string {
    return join(this.house.uid === undefined ? ROOT : installedForAll(), 'node_modules/node/bin/node');
  }

  /** The variables that no file holds, as `keystile mounts` names them. */
  async leftOut(): Promise<readonly string[]> {
    const { mounts } = await this.house.json<{ mounts: { leftOut: string[] }[] }>(['mounts']);
    const [first, ...others] = mounts.map(({ leftOut }) => leftOut);
    assert.ok(first !== undefined, 'nothing is mounted');
    for (const other of others) assert.deepEqual(other, first);
    return first;
  }

  /** Runs a program to its end; see `start`. */
  async run(argv: readonly string[], folder: string): Promise<Ended> {
    return await this.start(argv, folder).ended;
  }

  /**
   * Starts a program in `folder`; it and everything it started is ended at the deadline. It has no terminal, no input, and
   * an environment with nothing of ours.
   */
  start(argv: readonly string[], folder: string): Started {
    const [command = '', ...args] = argv;
    const { uid } = this.house;
    const child = spawn(command, args, {
      cwd: folder,
      env: this.#environment(),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    let isHung = false;
    const kill = (): void => {
      // Its own group, so what it started ends with it.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    const deadline = setTimeout(() => {
      isHung = true;
      kill();
    }, DEADLINE_MS);
    const { promise: ended, resolve, reject } = Promise.withResolvers<Ended>();
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(deadline);
      resolve({ code, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString('utf8'), isHung });
    });
    return { ended, printed: () => Buffer.concat(out).toString('latin1'), kill };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.house[Symbol.asyncDispose]();
  }

  async #fillVault(): Promise<void> {
    await this.house.ok(['environment', 'create', ENVIRONMENT]);
    for (const { name, value } of this.values) {
      const set = ['environment', 'set', ENVIRONMENT, name];
      if (value.length === 0) await this.house.ok([...set, '--plain', '']);
      // One final line feed is taken off again.
      else await this.house.ok([...set, '--value-stdin'], Buffer.concat([value, Buffer.from('\n')]));
    }
  }

  async #makePlace(backend: MountBackend): Promise<Place | string> {
    const folder = join(this.house.project, backend);
    mkdirSync(folder, { mode: 0o700 });
    this.#own(folder);
    for (const [name, text] of Object.entries(projectFiles(this.values.map(({ name }) => name)))) {
      writeFileSync(join(folder, name), text);
      this.#own(join(folder, name));
    }
    this.#addPython(join(folder, 'newer'));
    for (const args of [
      ['init', '-q'],
      ['add', '-A'],
      ['commit', '-qm', 'Begin'],
    ]) {
      const { code, stderr } = await this.run(['git', ...args], folder);
      assert.equal(code, 0, stderr);
    }
    const path = join(folder, '.env');
    const { code, stderr } = await this.house.keystile(['mount', ENVIRONMENT, path, '--backend', backend]);
    return code === 0 ? { backend, folder, path } : stderr.trim();
  }

  /** The script and the modules it finds beside it; `.env` it looks for from there upwards. */
  #addPython(folder: string): void {
    const newer = newerDotenv();
    if (newer === null) return;
    cpSync(newer.folder, join(folder, 'dotenv'), { recursive: true, dereference: true });
    cpSync(join(folder, '../app.py'), join(folder, 'app.py'));
  }

  #environment(): Record<string, string> {
    const author = { GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@example.org' };
    const committer = { GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a@example.org' };
    const PATH = '/usr/local/bin:/usr/bin:/bin';
    return { PATH, HOME: this.house.root, LC_ALL: 'C.UTF-8', ...author, ...committer };
  }

  #own(path: string): void {
    if (this.house.uid !== undefined) chownSync(path, this.house.uid, this.house.uid);
  }
}
