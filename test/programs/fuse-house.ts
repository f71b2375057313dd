// Starts test/programs/fuse-server.ts as an ordinary user and talks to it, and runs programs as that user. FUSE needs a
// device, a setuid program and an account: without them its tests are skipped, and say so.

import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { FailureDocument } from '../../src/core/failure.ts';
import type { MountRefusal } from '../../src/core/mount.ts';
import type { PathIdentity } from '../../src/delivery/mount/backend.ts';
import { unmountFuse, whyNoFuse } from '../../src/machine/fuse-device.ts';
import { HARDENED_FLAGS } from '../../src/machine/interpreter.ts';
import { ROOT, USER, eventually } from '../house.ts';

export type Policy = 'yes' | 'no' | 'ask';

type Order =
  | {
      readonly do: 'mount';
      readonly path: string;
      readonly policy: Policy;
      readonly text?: string;
      readonly bytes?: number;
      readonly isQuiet?: boolean;
    }
  | { readonly do: 'answer'; readonly id: number; readonly isYes: boolean }
  | { readonly do: 'revoke' | 'isWiped'; readonly id: number }
  | { readonly do: 'isIntact' | 'unmount' | 'own'; readonly path: string }
  | { readonly do: 'usage' | 'exit' | 'throw' | 'close' };

export type Command = Order & { readonly number: number };

export type Event =
  | { readonly event: 'up' }
  | { readonly event: 'asked'; readonly id: number; readonly pid: number; readonly startedAt: string }
  | { readonly event: 'gone'; readonly id: number }
  | { readonly event: 'settled'; readonly id: number; readonly outcome: 'delivered' | MountRefusal }
  | { readonly event: 'refused'; readonly why: MountRefusal; readonly count: number }
  | { readonly event: 'done'; readonly number: number; readonly result: unknown }
  | { readonly event: 'failed'; readonly number: number; readonly failure: FailureDocument };

type EventOf<K extends Event['event']> = Extract<Event, { readonly event: K }>;

const isRoot = process.geteuid?.() === 0;
const NOBODY = 65_534;
/** fusermount3 serves accounts only. */
const ordinary = isRoot ? [USER, NOBODY].find((uid) => hasAccount(uid)) : process.geteuid?.();

/** For the option of a test. */
export const SKIP: string | false =
  whyNoFuse() ?? (ordinary === undefined && 'no ordinary user has an account') ?? false;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface Program {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** What it has written so far. */
  readonly seen: () => string;
}

export interface FuseHouseOptions {
  /** As whom; an ordinary user when none is named. */
  readonly uid?: number;
  readonly flags?: readonly string[];
  /** What starts the server, with its arguments. */
  readonly wrapper?: readonly string[];
}

export class FuseHouse implements AsyncDisposable {
  readonly uid: number;
  readonly root = mkdtempSync(join(tmpdir(), 'keystile-fuse-'));
  readonly path = join(this.root, '.env');
  readonly events: Event[] = [];
  readonly #command: readonly string[];
  readonly #programs = new Set<ChildProcess>();
  #server: ChildProcess | null = null;
  #number = 0;

  private constructor({ uid = ordinary ?? NOBODY, flags = HARDENED_FLAGS, wrapper = [] }: FuseHouseOptions) {
    this.uid = uid;
    const script = join(readableRoot(uid), 'test', 'programs', 'fuse-server.ts');
    this.#command = [...wrapper, process.execPath, ...flags, script, this.root];
    if (isRoot) chownSync(this.root, uid, uid);
    chmodSync(this.root, 0o700);
  }

  static async open(options: FuseHouseOptions = {}): Promise<FuseHouse> {
    const house = new FuseHouse(options);
    await house.start();
    return house;
  }

  get serverPid(): number {
    return Number(this.#server?.pid);
  }

  get mountFolder(): string {
    return join(this.root, 'mnt');
  }

  /** Starts the server, again if it was killed. */
  async start(): Promise<void> {
    this.events.length = 0;
    const [command = '', ...args] = this.#command;
    const env = { LANG: 'C.UTF-8' };
    const server = spawn(command, args, { cwd: '/', env, stdio: ['pipe', 'pipe', 'pipe'], ...this.#as });
    this.#server = server;
    server.stdin.on('error', () => undefined);
    server.stderr.on('data', (chunk: Buffer) => {
      if (!chunk.includes('of the test')) process.stderr.write(chunk);
    });
    createInterface({ input: server.stdout }).on('line', (line) => this.events.push(JSON.parse(line) as Event));
    await this.event('up');
  }

  async do<T = unknown>(order: Order): Promise<T> {
    const number = this.send(order);
    const end = await eventually(
      () => this.events.find((event) => 'number' in event && event.number === number),
      `an answer to ${order.do}`,
    );
    if (end.event === 'failed') throw Object.assign(new Error(end.failure.message), { code: end.failure.code });
    assert.equal(end.event, 'done');
    return end.result as T;
  }

  send(order: Order): number {
    this.#number += 1;
    this.#server?.stdin?.write(`${JSON.stringify({ ...order, number: this.#number })}\n`);
    return this.#number;
  }

  async mount(policy: Policy, text: string, bytes = text.length, path = this.path): Promise<PathIdentity> {
    return await this.do({ do: 'mount', path, policy, text, bytes });
  }

  all<K extends Event['event']>(kind: K): EventOf<K>[] {
    return this.events.filter((event): event is EventOf<K> => event.event === kind);
  }

  /** The event of this kind that comes as the `nth` (from 0). */
  async event<K extends Event['event']>(kind: K, nth = 0): Promise<EventOf<K>> {
    return await eventually(() => this.all(kind)[nth], `event ${nth} of the kind ${kind}`);
  }

  /** Starts a program as the user of the server, or as another one. */
  program(command: string, args: readonly string[], uid = this.uid): Program {
    const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LANG: 'C.UTF-8' };
    const as = isRoot ? { uid, gid: uid } : {};
    const child = spawn(command, args, { cwd: '/', env, stdio: ['pipe', 'pipe', 'pipe'], ...as });
    this.#programs.add(child);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdin.on('error', () => undefined);
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    const { promise, resolve } = Promise.withResolvers<Ended>();
    child.once('error', (error) => err.push(Buffer.from(String(error))));
    child.once('close', (code, signal) => {
      this.#programs.delete(child);
      resolve({ code, signal, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString() });
    });
    const seen = (): string => Buffer.concat([...out, ...err]).toString();
    return { process: child, pid: Number(child.pid), ended: promise, seen };
  }

  /** Runs a program to its end. */
  async run(command: string, ...args: readonly string[]): Promise<Ended> {
    return await this.program(command, args).ended;
  }

  /** Kills the server, as the system would when memory is short. */
  async kill(): Promise<void> {
    const server = this.#server;
    assert.ok(server !== null);
    const isOver = new Promise((done) => server.once('exit', done));
    server.kill('SIGKILL');
    await isOver;
  }

  /** Settles with its exit code when the server has ended. */
  async serverEnd(): Promise<number | null> {
    const server = this.#server;
    assert.ok(server !== null);
    if (server.exitCode === null && server.signalCode === null) await new Promise((done) => server.once('exit', done));
    return server.exitCode;
  }

  get #as(): { uid?: number; gid?: number } {
    return isRoot ? { uid: this.uid, gid: this.uid } : {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.stdin?.end();
    this.#server?.kill('SIGTERM');
    await this.serverEnd();
    for (const program of this.#programs) program.kill('SIGKILL');
    await unmountFuse(this.mountFolder);
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }
}

export function canary(): string {
  return `CANARY_${randomBytes(12).toString('hex')}=x\n`;
}

/** What `Buffer.alloc(bytes, text)` gives. */
export function payload(text: string, bytes: number): Buffer {
  return Buffer.alloc(bytes, text);
}

function hasAccount(uid: number): boolean {
  return new RegExp(`^[^:]*:[^:]*:${uid}:`, 'm').test(readFileSync('/etc/passwd', 'latin1'));
}

let copy: string | undefined;

/** The source where `uid` can read it: a clone may lie in a private folder. */
function readableRoot(uid: number): string {
  if (!isRoot || uid === 0) return ROOT;
  const test = ['-r', join(ROOT, 'src', 'delivery', 'mount', 'fuse.ts')];
  if (spawnSync('/usr/bin/test', test, { uid, gid: uid }).status === 0) return ROOT;
  if (copy !== undefined) return copy;
  const folder = mkdtempSync(join(tmpdir(), 'keystile-source-'));
  chmodSync(folder, 0o755);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const parts = ['package.json', 'src', 'test', 'node_modules/koffi', 'node_modules/@koromix'];
  for (const name of parts) cpSync(join(ROOT, name), join(folder, name), { recursive: true, dereference: true });
  copy = folder;
  return folder;
}
