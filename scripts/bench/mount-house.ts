// A house whose daemon has mounts of one kind: as many as are measured, each in a folder of its own.

import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { MountBackend } from '../../src/core/mount.ts';
import { homePaths } from '../../src/machine/paths.ts';
import { connect, type Connection } from '../../src/wire/client.ts';
import { House, PASSPHRASE } from '../../test/house.ts';

export const BACKENDS = ['fuse', 'fifo', 'file'] as const;
const VARIABLES = 20;
const ENVIRONMENT = 'shop';

export class MountHouse implements AsyncDisposable {
  readonly house: House;
  readonly backend: MountBackend | null;
  readonly paths: string[] = [];

  private constructor(house: House, backend: MountBackend | null) {
    this.house = house;
    this.backend = backend;
  }

  /** Without a back end there are no mounts in it: what a daemon costs by itself. */
  static async open(backend: MountBackend | null): Promise<MountHouse> {
    const house = await House.open();
    const names = Array.from({ length: VARIABLES }, (_, i) => `SECRET_${i}`);
    await house.environment(
      ENVIRONMENT,
      Object.fromEntries(names.map((name) => [name, randomBytes(24).toString('base64url')])),
    );
    return new MountHouse(house, backend);
  }

  get path(): string {
    return this.paths[0] ?? '';
  }

  /** Mounts until there are `count`. Throws when the system cannot. */
  async mount(count: number): Promise<void> {
    using control = await this.control();
    while (this.backend !== null && this.paths.length < count) {
      const folder = join(this.house.project, String(this.paths.length));
      mkdirSync(folder, { mode: 0o700 });
      const path = join(folder, '.env');
      await control.call('mount.add', { environment: ENVIRONMENT, path, backend: this.backend });
      this.paths.push(path);
    }
  }

  async control(): Promise<Connection> {
    return await connect({ paths: homePaths(this.house.env), socket: 'control', clientName: 'bench' });
  }

  async unlock(control: Connection): Promise<void> {
    await control.call('vault.unlock', {}, { parts: [Buffer.from(PASSPHRASE)] });
  }

  /** A daemon that has done nothing yet but to unlock, and to mount what was mounted. */
  async restart(): Promise<number> {
    await this.house.ok(['stop']);
    const { code, stderr } = await this.house.human(['unlock']);
    if (code !== 0) throw new Error(stderr);
    if (!this.paths.every((path) => isThere(path))) throw new Error('a mount did not come back');
    return await this.house.daemonPid();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.house[Symbol.asyncDispose]();
  }
}

/** A link counts, wherever it leads. */
export function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
