// A daemon that does nothing but mount by FUSE. argv: a private folder. Standard input has commands and standard output
// events, one JSON document a line (test/programs/fuse-house.ts has both). Its doorkeeper does as it is told.

import { readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Failure } from '../../src/core/failure.ts';
import type { Admission, Doorkeeper, MountedFile, Opener } from '../../src/delivery/mount/backend.ts';
import { FuseBackend } from '../../src/delivery/mount/fuse.ts';
import { harden } from '../../src/machine/harden.ts';
import type { Command, Event, Policy } from './fuse-house.ts';

interface Asked {
  readonly answer: (isYes: boolean) => void;
  readonly revoked: AbortController;
  bytes: Buffer | null;
}

// As closed as the real one.
harden(process.execArgv);
const [, , folder = ''] = process.argv;
const thread = fileURLToPath(new URL('../../src/delivery/mount/fuse-thread.ts', import.meta.url));
const backend = await FuseBackend.open({ folder: join(folder, 'mnt'), thread });
const mounts = new Map<string, MountedFile>();
const asked: Asked[] = [];

function say(event: Event): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

/** `isQuiet`: no events, for runs of thousands. */
function doorkeeper(policy: Policy, text: string, bytes: number, isQuiet: boolean): Doorkeeper {
  return {
    async admit(opener: Opener): Promise<Admission | null> {
      const id = asked.length;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const entry: Asked = { answer: resolve, revoked: new AbortController(), bytes: null };
      if (!isQuiet) {
        asked.push(entry);
        say({ event: 'asked', id, pid: opener.pid, startedAt: opener.startedAt });
        opener.gone.addEventListener('abort', () => say({ event: 'gone', id }));
      }
      if (policy !== 'ask') resolve(policy === 'yes');
      if (!(await promise)) return null;
      return {
        open() {
          entry.bytes = Buffer.alloc(bytes, text);
          return entry.bytes;
        },
        revoked: entry.revoked.signal,
        settle(outcome) {
          if (!isQuiet) say({ event: 'settled', id, outcome });
        },
      };
    },
    refused(why, count) {
      say({ event: 'refused', why, count });
    },
  };
}

/** What the daemon itself gets, by calls that block its only thread. */
function ownLook(path: string): string {
  const seen = [`${statSync(path).size} ${realpathSync(path).startsWith(folder)} ${readdirSync(folder).length > 0}`];
  try {
    seen.push(readFileSync(path, 'latin1'));
  } catch (error) {
    seen.push(error instanceof Error && 'code' in error ? String(error.code) : 'unknown');
  }
  return seen.join(' ');
}

async function obey(command: Command): Promise<unknown> {
  switch (command.do) {
    case 'mount': {
      const { path, policy, text = '', bytes = text.length, isQuiet = false } = command;
      const mounted = await backend.mount(path, doorkeeper(policy, text, bytes, isQuiet));
      mounts.set(path, mounted);
      return mounted.identity;
    }
    case 'answer':
      return asked[command.id]?.answer(command.isYes);
    case 'revoke': {
      const entry = asked[command.id];
      entry?.revoked.abort();
      return entry?.bytes?.every((byte) => byte === 0) ?? null;
    }
    case 'isWiped':
      return asked[command.id]?.bytes?.every((byte) => byte === 0) ?? null;
    case 'isIntact':
      return mounts.get(command.path)?.isIntact() ?? null;
    case 'unmount': {
      const isDone = mounts.get(command.path)?.close();
      const wiped = asked.map(({ bytes }) => bytes?.every((byte) => byte === 0) ?? true);
      await isDone;
      return wiped.every(Boolean);
    }
    case 'own':
      return ownLook(command.path);
    case 'usage': {
      globalThis.gc?.();
      const { user, system } = process.cpuUsage();
      return { cpuMicroseconds: user + system, rss: process.memoryUsage.rss() };
    }
    case 'exit':
      return process.exit(0);
    case 'throw':
      return setImmediate(() => {
        throw new Error('of the test');
      });
    case 'close':
      return await backend.close();
  }
}

say({ event: 'up' });
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Command;
  try {
    say({ event: 'done', number: command.number, result: (await obey(command)) ?? null });
  } catch (error) {
    say({ event: 'failed', number: command.number, failure: Failure.from(error).toDocument() });
  }
}
await backend.close();
