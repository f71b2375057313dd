// The part of a watch that is about runs which are over: what is noticed about them, with one key to take everything from
// their agent, and output that waits, with one key to read it and one to release it.

import { Failure } from '../../core/failure.ts';
import { printable } from '../../core/printable.ts';
import type { Terminal } from '../../machine/terminal.ts';
import type { Connection } from '../../wire/client.ts';
import type { HeldView, NoticeView } from '../../wire/views.ts';
import { heldLines } from './held-lines.ts';
import { counted } from './output.ts';
import { heldLine, noticeLines } from './run-lines.ts';
import { Pages } from './watch-pages.ts';

const REVOKE_KEY = 'r';
const READ_KEY = 'o';
const RELEASE_KEY = 'y';

export class WatchedRuns {
  readonly #daemon: Connection;
  readonly #terminal: Terminal;
  readonly #pages: Pages;
  readonly #held = new Map<string, HeldView>();
  /** What the last notice was about: the key that revokes means its agent. */
  #noticed: NoticeView | null = null;
  #reading: HeldView | null = null;

  constructor(daemon: Connection, terminal: Terminal) {
    this.#daemon = daemon;
    this.#terminal = terminal;
    this.#pages = new Pages(terminal);
  }

  /** Whether held output is on the screen: then every key is about it. */
  get isReading(): boolean {
    return this.#reading !== null;
  }

  notice(notice: NoticeView): void {
    this.#noticed = notice;
    for (const line of noticeLines(notice)) this.#say(line);
    this.#say(`   ${REVOKE_KEY} revokes everything of ${notice.agent}, ${notice.agentId}`);
  }

  hold(held: HeldView): void {
    this.#held.set(held.runId, held);
    this.#say(`${heldLine(held)}; ${READ_KEY} reads it`);
  }

  /** Whether the key was for this. After true, and when nothing is read any more, the request may be shown again. */
  async press(key: string): Promise<boolean> {
    if (this.#reading !== null) await this.#read(this.#reading, key);
    else if (key === REVOKE_KEY && this.#noticed !== null) await this.#revoke(this.#noticed);
    else if (key === READ_KEY && this.#held.size > 0) await this.#open();
    else return false;
    return true;
  }

  async #open(): Promise<void> {
    const [held] = this.#held.values();
    if (held === undefined) return;
    // Whatever comes of it: the next time the next one is read first.
    this.#held.delete(held.runId);
    await this.#try(held.runId, async () => {
      const { result, parts } = await this.#daemon.call('run.output', { runId: held.runId });
      this.#held.set(held.runId, held);
      this.#reading = held;
      const lines = heldLines(parts, result.unmaskable, this.#terminal.columns);
      this.#pages.begin(['', heldLine(held), ...lines].map(shown));
      this.#more();
    });
  }

  async #read(held: HeldView, key: string): Promise<void> {
    if (key === ' ' || key === '\r' || key === '\n') {
      this.#more();
    } else if (key === RELEASE_KEY) {
      const { missing } = this.#pages;
      if (missing === null) await this.#release(held);
      else this.#say(missing);
    } else {
      this.#reading = null;
      this.#say(`${held.runId}: not released`);
    }
  }

  #more(): void {
    if (this.#pages.more()) this.#say(`Release this to the agent? ${RELEASE_KEY} yes, any other key no`);
  }

  async #release({ runId }: HeldView): Promise<void> {
    this.#reading = null;
    this.#held.delete(runId);
    await this.#try(runId, async () => {
      await this.#daemon.call('run.release', { runId });
      this.#say(`${runId}: released; the agent can fetch it now`);
    });
  }

  /** Needs no second thought: what was revoked can be asked for again. */
  async #revoke({ agent, agentId }: NoticeView): Promise<void> {
    this.#noticed = null;
    await this.#try(agentId, async () => {
      const { result } = await this.#daemon.call('revoke', { what: 'agent', agentId });
      const ended = [
        counted(result.grants, 'grant'),
        counted(result.leases, 'lease'),
        counted(result.requests, 'request'),
      ];
      this.#say(`${agent}: revoked ${ended.join(', ')}; keystile agent block ${agentId} refuses it for good`);
    });
  }

  async #try(what: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      const { message, hint } = Failure.from(error);
      this.#say(`${what}: ${message}; ${hint}`);
    }
  }

  #say(line: string): void {
    this.#terminal.write(`${shown(line)}\n`);
  }
}

/** What is escaped already has backslashes, which would be doubled: only what is not printable is escaped here. */
function shown(line: string): string {
  return line.replaceAll(/[^\x20-\x7e]/gu, (character) => printable(character));
}
