// A daemon with one kind of mount and a doorkeeper that does as it is told: JSON lines on standard input, JSON lines about
// what happened on standard output. What it serves is known: `payloadOf(bytes)`.

import { readFileSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Admission, Doorkeeper, MountedFile } from '../../src/delivery/mount/backend.ts';
import { FifoBackend } from '../../src/delivery/mount/fifo.ts';
import { Guard } from '../../src/delivery/mount/guard.ts';
import { processEntry } from '../../src/machine/processes.ts';
import { payloadOf } from './fifo-payload.ts';

/** `hold`: as a human who thinks. `taken back`: a yes that does not hold. A list: programs (the names of their files) that are admitted, all others are not. */
type Rule = 'all' | 'none' | 'hold' | 'taken back' | readonly string[];

interface Command {
  readonly do: 'mount' | 'rule' | 'answer' | 'answer all' | 'revoke' | 'look' | 'unmount' | 'close' | 'stop';
  readonly path: string;
  readonly bytes?: number;
  readonly rule?: Rule;
  readonly pid?: number;
  readonly yes?: boolean;
}

const servesUncounted = process.argv.includes('--uncounted');
const guard = new Guard();
const backend = new FifoBackend({ guard, servesUncounted, onHint: ({ path }) => say({ event: 'hint', path }) });
const mounts = new Map<string, MountedFile>();
const held = new Map<number, (yes: boolean) => void>();
const everybody = new Set<(yes: boolean) => void>();
const revokers = new Map<number, AbortController>();
let rule: Rule = 'all';
let bytes = 100;

const doorkeeper: Doorkeeper = {
  async admit({ pid, gone }) {
    say({ event: 'asked', pid });
    const isAllowed = await decide(pid, gone);
    if (!isAllowed) {
      say({ event: 'denied', pid, gone: gone.aborted });
      return null;
    }
    const revoker = new AbortController();
    revokers.set(pid, revoker);
    const admission: Admission = {
      open: () => (revoker.signal.aborted || rule === 'taken back' ? null : payloadOf(bytes)),
      revoked: revoker.signal,
      settle: (outcome) => {
        revokers.delete(pid);
        say({ event: 'settled', pid, outcome });
      },
    };
    return admission;
  },
  refused: (why, count) => say({ event: 'refused', why, count }),
};

async function decide(pid: number, gone: AbortSignal): Promise<boolean> {
  if (rule === 'all' || rule === 'none' || rule === 'taken back') return rule !== 'none';
  if (rule !== 'hold') return rule.includes(nameOf(pid));
  const { promise, resolve } = Promise.withResolvers<boolean>();
  held.set(pid, resolve);
  everybody.add(resolve);
  gone.addEventListener('abort', () => resolve(false));
  return await promise;
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function obey(command: Command): Promise<object> {
  const { path, pid = 0 } = command;
  switch (command.do) {
    case 'mount': {
      const mount = await backend.mount(path, doorkeeper);
      mounts.set(path, mount);
      return mount.identity;
    }
    case 'rule':
      rule = command.rule ?? rule;
      bytes = command.bytes ?? bytes;
      return {};
    case 'answer':
      held.get(pid)?.(command.yes === true);
      return {};
    case 'answer all':
      for (const settle of everybody) settle(command.yes === true);
      return {};
    case 'revoke':
      revokers.get(pid)?.abort();
      return {};
    case 'look':
      return looked(path);
    case 'unmount':
      await mounts.get(path)?.close();
      return {};
    case 'close':
      await backend.close();
      await guard.close();
      return {};
    case 'stop':
      process.exit(0);
  }
}

function looked(path: string): object {
  const status = readFileSync('/proc/self/status', 'latin1');
  const { user, system } = process.cpuUsage();
  return {
    isIntact: mounts.get(path)?.isIntact(),
    identity: mounts.get(path)?.identity,
    descriptors: readdirSync('/proc/self/fd').length,
    residentKiB: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]),
    heapBytes: process.memoryUsage().heapUsed,
    cpuMs: (user + system) / 1_000,
    parent: processEntry(process.pid)?.parentPid,
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const command: Command = JSON.parse(line);
  try {
    say({ event: 'done', ...(await obey(command)) });
  } catch (error) {
    say({ event: 'failed', code: error instanceof Error && 'code' in error ? error.code : String(error) });
  }
}
