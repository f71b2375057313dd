// A house with one mounted file, for each back end: readers are real programs of its user, and the human answers.

import assert from 'node:assert/strict';
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { lstatSync, readFileSync, writeFileSync, chownSync } from 'node:fs';
import { join } from 'node:path';
import type { MountBackend } from '../../src/core/mount.ts';
import { whyNoFuse } from '../../src/machine/fuse-device.ts';
import type { MountView, RequestView } from '../../src/wire/views.ts';
import { isRoot } from '../attackers.ts';
import { canary, eventually, House, USER, type HouseOptions } from '../house.ts';

/** `nobody`: fusermount3 wants a user with an account. */
const USER_WITH_ACCOUNT = 65_534;
const HEADER = '# Written by keystile\n';

export interface Place {
  readonly backend: MountBackend;
  readonly options: HouseOptions;
  /** Why it cannot be tested here, or false. */
  readonly skip: string | false;
}

export const PLACES: readonly Place[] = (['fuse', 'fifo', 'file'] as const).map((backend) => ({
  backend,
  options: isRoot ? { uid: backend === 'fuse' ? USER_WITH_ACCOUNT : USER } : {},
  skip: backend === 'fuse' ? (whyNoFuse() ?? false) : false,
}));

export interface Event {
  readonly seq: number;
  readonly event: string;
  readonly facts: Readonly<Record<string, string | number | undefined>>;
  readonly names?: { readonly path?: string; readonly program?: string };
}

export interface Read {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A program on its way. */
export interface Reading {
  readonly pid: number;
  readonly process: ChildProcess;
  readonly done: Promise<Read>;
}

export interface ReadingOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdio?: StdioOptions;
  readonly input?: string;
  /** Its standard input stays open; the test ends it. */
  readonly keepsInput?: boolean;
  readonly uid?: number;
  /** The first word it sees of itself, when that is not its path. */
  readonly argv0?: string;
}

export class MountHouse implements AsyncDisposable {
  readonly house: House;
  readonly backend: MountBackend;
  readonly environmentId: string;
  /** The value of API_TOKEN. */
  readonly secret: string;
  readonly path: string;
  readonly #readers = new Set<ChildProcess>();

  private constructor(house: House, backend: MountBackend, environmentId: string, secret: string) {
    this.house = house;
    this.backend = backend;
    this.environmentId = environmentId;
    this.secret = secret;
    this.path = join(house.project, '.env');
  }

  /** `API_TOKEN` of the environment `shop`, mounted at `.env` of the project. */
  static async open({ backend, options }: Place, variables: Record<string, string> = {}): Promise<MountHouse> {
    const mounted = await MountHouse.unmounted({ backend, options }, variables);
    await mounted.mount();
    return mounted;
  }

  /** The same with nothing mounted yet. */
  static async unmounted(
    { backend, options }: Pick<Place, 'backend' | 'options'>,
    variables: Record<string, string> = {},
  ): Promise<MountHouse> {
    const house = await House.open(options);
    const secret = canary();
    const environmentId = await house.environment('shop', { API_TOKEN: secret, ...variables });
    return new MountHouse(house, backend, environmentId, secret);
  }

  /** What an admitted reader finds when the environment has nothing but its one variable. */
  get content(): string {
    return `${HEADER}API_TOKEN=${this.secret}\n`;
  }

  async mount(path = this.path): Promise<void> {
    await this.house.ok(['mount', 'shop', path, '--backend', this.backend]);
  }

  async state(path = this.path): Promise<MountView> {
    const { mounts } = await this.house.json<{ mounts: MountView[] }>(['mounts']);
    return mounts.find((mount) => mount.path === path) ?? assert.fail(`nothing is mounted at ${path}`);
  }

  /** A file of the house's user, in the project unless the name is absolute. */
  write(name: string, text: string | Buffer, mode = 0o644): string {
    const path = name.startsWith('/') ? name : join(this.house.project, name);
    writeFileSync(path, text, { mode });
    const { uid } = this.house;
    if (uid !== undefined) chownSync(path, uid, uid);
    return path;
  }

  /** Starts a program as the house's user. */
  start(program: string, args: readonly string[], options: ReadingOptions = {}): Reading {
    const uid = options.uid ?? this.house.uid;
    const child = spawn(program, args, {
      cwd: options.cwd ?? this.house.project,
      env: { ...this.house.env, ...options.env },
      stdio: options.stdio ?? ['pipe', 'pipe', 'pipe'],
      ...(options.argv0 === undefined ? {} : { argv0: options.argv0 }),
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    this.#readers.add(child);
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin?.on('error', () => undefined);
    if (options.keepsInput !== true) child.stdin?.end(options.input ?? '');
    const done = new Promise<Read>((settle, fail) => {
      child.once('error', fail);
      child.once('close', (code, signal) => {
        this.#readers.delete(child);
        settle({ code, signal, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString('utf8') });
      });
    });
    return { pid: child.pid ?? 0, process: child, done };
  }

  cat(options: ReadingOptions = {}): Reading {
    return this.start('/usr/bin/cat', [this.path], options);
  }

  /** Runs a program that reads, to its end, with nobody asked: what a grant, or a denial, lets through. */
  async read(program: string, args: readonly string[], options: ReadingOptions = {}): Promise<Read> {
    const read = await this.start(program, args, options).done;
    assert.deepEqual(await this.requests(), [], 'nobody was asked');
    return read;
  }

  async requests(): Promise<RequestView[]> {
    return (await this.house.json<{ requests: RequestView[] }>(['requests'])).requests;
  }

  /** The request of the reader `pid`, or of whoever waits. */
  async request(pid?: number): Promise<RequestView> {
    return await eventually(
      async () => (await this.requests()).find((view) => pid === undefined || readerOf(view)?.process.pid === pid),
      'a reader to be asked about',
    );
  }

  /** The request of a reader; null when it came to its end without one. */
  async requestOf({ pid, process: child }: Reading): Promise<RequestView | null> {
    return await eventually(async () => {
      const view = (await this.requests()).find((candidate) => readerOf(candidate)?.process.pid === pid);
      return view ?? (child.exitCode === null && child.signalCode === null ? undefined : null);
    }, 'a reader to be asked about, or to end');
  }

  async approve(requestId: string, ...flags: string[]): Promise<void> {
    const { code, stderr } = await this.house.human(['approve', requestId, ...flags]);
    assert.equal(code, 0, stderr);
  }

  async deny(requestId: string, ...flags: string[]): Promise<void> {
    await this.house.ok(['deny', requestId, ...flags]);
  }

  /** The program may read for a quarter of an hour. */
  async allow(reading: Reading): Promise<Read> {
    await this.approve((await this.request(reading.pid)).requestId, '--for', '15m', '--scope', 'program');
    return await reading.done;
  }

  async refuse(reading: Reading): Promise<Read> {
    await this.deny((await this.request(reading.pid)).requestId);
    return await reading.done;
  }

  async events(kind?: string): Promise<Event[]> {
    const { events } = await this.house.json<{ events: Event[] }>(['audit', 'list', '--limit', '10000']);
    return kind === undefined ? events : events.filter(({ event }) => event === kind);
  }

  /** Waits until `count` events of a kind are on the record. */
  async recorded(kind: string, isMeant: (event: Event) => boolean = () => true): Promise<Event> {
    return await eventually(async () => (await this.events(kind)).find(isMeant), `an event ${kind}`);
  }

  /** Everything of the daemon's own that could hold a value by mistake. */
  async traces(): Promise<Buffer> {
    const texts = await Promise.all(
      [['mounts'], ['requests'], ['leases'], ['grants'], ['audit', 'list', '--limit', '10000'], ['status'], ['agents']]
        .flatMap((args) => [args, [...args, '--format', 'json']])
        .map(async (args) => Buffer.from(await this.house.ok(args))),
    );
    const files = ['audit/events.jsonl', 'keystile.log', 'vault.db'].map((name) =>
      readFileSync(join(this.house.home, name)),
    );
    return Buffer.concat([...texts, ...files]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#readers) child.kill('SIGKILL');
    await this.house[Symbol.asyncDispose]();
  }
}

export function readerOf({ request: { work } }: RequestView) {
  return work.action === 'ReadMount' ? work.reader : undefined;
}

/** Nothing at all, in the way of the back end: an error of open(2), or an empty file. */
export function assertNothing(read: Read, { backend }: Pick<MountHouse, 'backend'>): void {
  assert.equal(read.stdout.toString(), '');
  if (backend === 'fuse') assert.match(read.stderr, /[Pp]ermission denied|EACCES/);
}

export function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
