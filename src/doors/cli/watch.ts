// keystile watch: requests as they come, answered with single keys on one terminal. The passphrase opened the session;
// I5 still holds for each answer: all of it was on the screen, and for a moment, before a yes counts.

import { Failure } from '../../core/failure.ts';
import { printable } from '../../core/printable.ts';
import { promptLines } from '../../core/prompt.ts';
import { requestDigest, type GrantLife, type GrantScope } from '../../core/request.ts';
import type { Terminal } from '../../machine/terminal.ts';
import type { Connection } from '../../wire/client.ts';
import type { Results, WatchEvent } from '../../wire/methods.ts';
import type { RequestView } from '../../wire/views.ts';
import { lifeText, scopeFor, scopeText } from './request-commands.ts';
import { Pages } from './watch-pages.ts';
import { WatchedRuns } from './watch-runs.ts';

/** What `t` means. */
const MINUTES = 15;

const KEYS: readonly string[] = [
  `yes: a once, t ${MINUTES} min, l until lock     no: d, b and block the agent`,
  'first, to widen a yes: p this program, e any command     n next, q quit',
];

const READER_KEYS: readonly string[] = [
  `yes: a this process, and for this program: t ${MINUTES} min, l until lock`,
  'no: d, b and never this program     n next, q quit',
];

/** For how long a yes counts, by its key. */
const LIVES: ReadonlyMap<string, GrantLife> = new Map([
  ['a', { kind: 'once' }],
  ['t', { kind: 'minutes', minutes: MINUTES }],
  ['l', { kind: 'until_lock' }],
]);

type Item =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'event'; readonly event: WatchEvent }
  | { readonly kind: 'over'; readonly why: string };

/** Things that happened, in order, for one reader. */
export class Mailbox {
  readonly #items: Item[] = [];
  #wake: (() => void) | null = null;

  put(item: Item): void {
    this.#items.push(item);
    this.#wake?.();
  }

  async take(): Promise<Item> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) return item;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }
}

/** Shows and answers until the human leaves, the vault locks or the daemon is gone; returns why. */
export async function watchRequests(
  daemon: Connection,
  terminal: Terminal,
  mailbox: Mailbox,
  opened: Results['watch.open'],
): Promise<string> {
  const session = new Session(daemon, terminal);
  let isOver = false;
  const keys = readKeys(terminal, mailbox, () => isOver);
  try {
    session.begin(opened);
    for (;;) {
      const item = await mailbox.take();
      if (item.kind === 'over') return item.why;
      if (item.kind === 'key') {
        if (item.key === 'q') return 'left';
        await session.press(item.key);
      } else {
        if (item.event.event === 'closed') return closedText(item.event.why);
        session.take(item.event);
      }
    }
  } finally {
    isOver = true;
    // A key may still be waited for, with the terminal in raw mode. The terminal treats this as a hang-up and restores it.
    process.emit('SIGHUP', 'SIGHUP');
    await keys;
  }
}

async function readKeys(terminal: Terminal, mailbox: Mailbox, isOver: () => boolean): Promise<void> {
  try {
    while (!isOver()) mailbox.put({ kind: 'key', key: String.fromCharCode(await terminal.readKey()) });
  } catch {
    // Ctrl-C, Ctrl-D, a signal, or the terminal is gone.
    mailbox.put({ kind: 'over', why: 'left' });
  }
}

function closedText(why: 'locked' | 'idle'): string {
  return why === 'locked' ? 'the vault was locked' : 'nothing was answered for a while';
}

class Session {
  readonly #daemon: Connection;
  readonly #terminal: Terminal;
  readonly #waiting = new Map<string, RequestView>();
  readonly #pages: Pages;
  readonly #runs: WatchedRuns;
  #current: RequestView | null = null;
  /** What a yes was widened to; null for what the length of the yes suggests. */
  #scope: GrantScope | null = null;

  constructor(daemon: Connection, terminal: Terminal) {
    this.#daemon = daemon;
    this.#terminal = terminal;
    this.#pages = new Pages(terminal);
    this.#runs = new WatchedRuns(daemon, terminal);
  }

  begin({ requests, held, notices }: Results['watch.open']): void {
    for (const notice of notices) this.#runs.notice(notice);
    for (const output of held) this.#runs.hold(output);
    for (const request of requests) this.#waiting.set(request.requestId, request);
    if (this.#waiting.size === 0) this.#say('Watching. Nothing waits yet; q quits.');
    else this.#showNext();
  }

  take(event: Exclude<WatchEvent, { event: 'closed' }>): void {
    if (event.event === 'notice') {
      this.#runs.notice(event.notice);
    } else if (event.event === 'held') {
      this.#runs.hold(event.held);
    } else if (event.event === 'request') {
      this.#waiting.set(event.request.requestId, event.request);
      if (this.#runs.isReading) this.#say(`(${this.#waiting.size} waiting)`);
      else if (this.#current === null) this.#showNext();
      else this.#say(`(${this.#waiting.size - 1} more waiting; n shows the next)`);
    } else if (this.#waiting.delete(event.requestId)) {
      this.#say(`${event.requestId}: ${event.answer}`);
      if (this.#current?.requestId !== event.requestId) return;
      if (this.#runs.isReading) this.#current = null;
      else this.#showNext();
    }
  }

  async press(key: string): Promise<void> {
    const wasReading = this.#runs.isReading;
    if (await this.#runs.press(key)) {
      if (wasReading && !this.#runs.isReading) this.#showAgain();
      return;
    }
    if (this.#current !== null) await this.#pressFor(this.#current, key);
  }

  async #pressFor(current: RequestView, key: string): Promise<void> {
    const life = LIVES.get(key);
    if (life !== undefined) {
      await this.#approve(current, life);
      return;
    }
    switch (key) {
      case ' ':
      case '\r':
      case '\n':
        this.#showPage();
        break;
      case 'n':
        this.#showNext();
        break;
      case 'p':
        this.#widen('program');
        break;
      case 'e':
        this.#widen('environment');
        break;
      case 'd':
      case 'b':
        await this.#deny(current, key === 'b');
        break;
      default:
        this.#sayKeys();
    }
  }

  /** The one after the current one, round and round. */
  #showNext(): void {
    const ids = [...this.#waiting.keys()];
    const at = this.#current === null ? -1 : ids.indexOf(this.#current.requestId);
    const next = this.#waiting.get(ids[(at + 1) % Math.max(1, ids.length)] ?? '');
    this.#current = next ?? null;
    if (next === undefined) this.#say('Nothing else waits; q quits.');
    else this.#show(next);
  }

  #show(view: RequestView): void {
    this.#scope = null;
    this.#pages.begin(['', ...promptLines(view.request, Date.now(), this.#terminal.columns)]);
    this.#showPage();
  }

  /** From its first line: held output was on the screen meanwhile, and what is answered next has to be read (I5). */
  #showAgain(): void {
    if (this.#current !== null && this.#waiting.has(this.#current.requestId)) this.#show(this.#current);
    else this.#showNext();
  }

  #showPage(): void {
    if (this.#pages.more()) this.#sayKeys();
  }

  #widen(scope: GrantScope): void {
    if (this.#current === null) return;
    const { request } = this.#current;
    // Its keys say already what each of them covers.
    if (request.work.action === 'ReadMount') {
      this.#sayKeys();
      return;
    }
    this.#scope = this.#scope === scope ? null : scope;
    this.#say(`a yes will count for: ${scopeText(this.#scope ?? 'exact', request)}`);
  }

  async #approve(view: RequestView, life: GrantLife): Promise<void> {
    const { missing } = this.#pages;
    if (missing !== null) {
      this.#say(missing);
      return;
    }
    const scope = this.#scope ?? scopeFor(view.request, life);
    await this.#answer(view, `yes, ${lifeText(life)}, ${scopeText(scope, view.request)}`, async () => {
      await this.#daemon.call('request.approve', {
        requestId: view.requestId,
        // I5: made from what was shown.
        digest: requestDigest(view.request),
        life,
        scope,
      });
    });
  }

  /** A no needs no reading. */
  async #deny(view: RequestView, blocksAgent: boolean): Promise<void> {
    const isReader = view.request.work.action === 'ReadMount';
    const forGood = isReader ? 'no, and not this program again' : 'no, and the agent is blocked';
    await this.#answer(view, blocksAgent ? forGood : 'no', async () => {
      await this.#daemon.call('request.deny', { requestId: view.requestId, blocksAgent });
    });
  }

  /** After an error the request is gone from here too: what is known of it may be out of date. */
  async #answer(view: RequestView, said: string, send: () => Promise<void>): Promise<void> {
    try {
      // Taken off first: our own answer is not news.
      this.#waiting.delete(view.requestId);
      await send();
      this.#say(`${view.requestId}: ${said}`);
    } catch (error) {
      const { message, hint } = Failure.from(error);
      this.#say(`${view.requestId}: ${message}; ${hint}`);
    }
    this.#showNext();
  }

  #sayKeys(): void {
    const isReader = this.#current?.request.work.action === 'ReadMount';
    for (const line of isReader ? READER_KEYS : KEYS) this.#say(line);
  }

  #say(line: string): void {
    this.#terminal.write(`${printable(line)}\n`);
  }
}
