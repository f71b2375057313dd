// A process with a file back end, as the daemon is one, that does as it is told on standard input and says on standard
// output, in lines of JSON, what its doorkeeper was asked and what became of it. argv: the options, as JSON.
//
// Told: `mount PATH`, `close PATH`, `intact PATH`, `stats`, `end`, `revoke`, `yes`, `no` (to everybody who is held), and
// `mode` with allow, deny, hold, slow MS, only WORD (in the arguments of the opener), taken-back, failing, twofaced.

import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Admission, Doorkeeper, MountedFile, Opener } from '../../src/delivery/mount/backend.ts';
import { FileBackend } from '../../src/delivery/mount/file.ts';
import { cLibrary } from '../../src/machine/libc.ts';
import { processFacts } from '../../src/machine/processes.ts';
import { content } from './file-content.ts';

interface Options {
  readonly home: string;
  readonly uid: number | null;
  readonly bytes: number;
  readonly answerMs?: number;
  readonly servingMs?: number;
  readonly waitingMax?: number;
}

const options = JSON.parse(process.argv[2] ?? '') as Options;
cLibrary();
if (options.uid !== null) {
  process.setgroups?.([]);
  process.setgid?.(options.uid);
  process.setuid?.(options.uid);
}

const backend = new FileBackend(options);
const mounts = new Map<string, MountedFile>();
const revocations = new Set<AbortController>();
let mode = 'allow';
let held = Promise.withResolvers<boolean>();

function say(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function doorkeeperOf(path: string): Doorkeeper {
  return {
    admit: async (opener) => {
      const { argv = [] } = processFacts(opener.pid) ?? {};
      say({ said: 'admit', path, pid: opener.pid, argv });
      opener.gone.addEventListener('abort', () => say({ said: 'gone', path, pid: opener.pid }));
      return (await isAllowed(argv)) ? admission(path, opener) : null;
    },
    refused: (why, count) => say({ said: 'refused', path, why, count }),
  };
}

async function isAllowed(argv: readonly string[]): Promise<boolean> {
  const [word = '', value = ''] = mode.split(' ');
  if (word === 'hold') return await held.promise;
  if (word === 'slow') await delay(Number(value));
  if (word === 'only') return argv.some((argument) => argument.includes(value));
  return word !== 'deny';
}

let opened = 0;

function admission(path: string, { pid }: Opener): Admission {
  const controller = new AbortController();
  revocations.add(controller);
  return {
    open: () => {
      opened += 1;
      if (mode === 'failing') throw new Error('the vault cannot be read');
      if (mode === 'taken-back') controller.abort();
      if (controller.signal.aborted) return null;
      return content(path, mode === 'twofaced' ? opened : options.bytes);
    },
    revoked: controller.signal,
    settle: (outcome) => {
      revocations.delete(controller);
      say({ said: 'settle', path, pid, outcome });
    },
  };
}

async function obey(word: string, rest: string): Promise<unknown> {
  const mount = mounts.get(rest);
  switch (word) {
    case 'mount':
      mounts.set(rest, await backend.mount(rest, doorkeeperOf(rest)));
      return mounts.get(rest)?.identity;
    case 'close':
      return await mount?.close();
    case 'intact':
      return mount?.isIntact();
    case 'unsupported':
      return backend.whyUnsupported();
    case 'mode':
      mode = rest;
      return null;
    case 'yes':
    case 'no':
      held.resolve(word === 'yes');
      held = Promise.withResolvers();
      return null;
    case 'revoke':
      for (const controller of revocations) controller.abort();
      return null;
    case 'stats': {
      // Started with --expose-gc: what is garbage is not growth.
      globalThis.gc?.();
      const { user, system } = process.cpuUsage();
      const { heapUsed, external, rss } = process.memoryUsage();
      const descriptors = readdirSync('/proc/self/fd').length;
      return { descriptors, memory: heapUsed + external, rss, cpuMs: (user + system) / 1e3 };
    }
    case 'end':
      return await backend.close();
    default:
      throw new Error(`cannot ${word}`);
  }
}

say({ said: 'ready' });
for await (const line of createInterface({ input: process.stdin })) {
  const [word = '', ...rest] = line.split(' ');
  try {
    say({ said: 'done', result: await obey(word, rest.join(' ')) });
  } catch (error) {
    say({ said: 'done', failure: Reflect.get(Object(error), 'code') ?? String(error) });
  }
  if (word === 'end') break;
}
process.stdin.destroy();
