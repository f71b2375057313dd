// The audit log as the daemon holds it: one queue, one line an event, and an answer only when the line is on the disk
// (I2). It can be opened while the vault is locked; names and checkpoints come with the keys.

import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { AuditEvent, RecordedEvent } from '../core/event.ts';
import { Failure } from '../core/failure.ts';
import { ensurePrivateFolder } from '../machine/private-files.ts';
import { CHAIN_START, checkFacts, FORMAT_VERSION, makeLine, readLine } from './entry.ts';
import type { Line } from './entry.ts';
import { Journal, linesOf, readSegment, SEGMENT_BYTES, segmentAfter, segmentsOf } from './journal.ts';
import { KeyFile } from './key-file.ts';
import type { AuditKeys, Ratchet } from './keys.ts';
import { Queue } from './queue.ts';
import type { Stamped } from './queue.ts';
import { recover } from './recovery.ts';
import { Witness } from './witness.ts';

export type { AuditKeys } from './keys.ts';

export interface AuditFiles {
  /** A folder of our own, absolute: keys, checkpoints and, by default, the events. Made when absent. */
  readonly folder: string;
  /** By default `events.jsonl` in the folder. Must be, or become, a private regular file. */
  readonly events?: string;
}

export interface AuditOptions {
  readonly files: AuditFiles;
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number;
  readonly random: (bytes: number) => Buffer;
  /** Size at which a file begins the next one, in bytes. Only tests need another. */
  readonly segmentBytes?: number;
}

export interface EventsQuery {
  readonly fromSeq?: number;
  /** All of them when not given. */
  readonly limit?: number;
  readonly newestFirst?: boolean;
}

export interface AuditStatus {
  /** Whether the last attempt to write succeeded. */
  readonly isAvailable: boolean;
  /** Sequence number of the last acknowledged event. */
  readonly lastSeq: number;
  /** Entries under the last checkpoint. */
  readonly checkpointSize: number;
  /** Why the last checkpoint was not written. */
  readonly checkpointFailure: Failure | null;
}

/** What `verifyLog` takes. The seed stays the log's: use it before the next `lock`. */
export interface Evidence {
  readonly folder: string;
  readonly events: string;
  readonly publicKey?: string;
  readonly macSeed?: AuditKeys['macSeed'];
  readonly vaultId?: string;
}

export class AuditLog {
  readonly #o: AuditOptions;
  readonly #events: string;
  readonly #boot: string;
  readonly #keyFile: KeyFile;
  readonly #witness: Witness;
  readonly #queue = new Queue((events) => this.#commit(events));
  #hasFolder = false;
  #isClosed = false;
  #isAvailable = false;
  #journal: Journal | null = null;
  /** MAC key of event `#nextSeq`; null until the vault was unlocked for the first time, or when it is lost. */
  #ratchet: Ratchet | null = null;
  #nextSeq = 1;
  #prev: Buffer = CHAIN_START;
  /** What the log found out about itself and says in front of the next event. */
  #owed: AuditEvent[] = [];

  private constructor(options: AuditOptions) {
    const { folder, events = join(folder, 'events.jsonl') } = options.files;
    this.#o = options;
    this.#events = events;
    this.#boot = options.random(8).toString('hex');
    this.#keyFile = new KeyFile(join(folder, 'ratchet.key'));
    this.#witness = new Witness({ folder, random: options.random, lines: () => this.#acknowledgedLines() });
  }

  /**
   * Opens or makes the log. Never throws because of the files: what is wrong with them comes out of every `append`,
   * which tries again.
   */
  static open(options: AuditOptions): AuditLog {
    const log = new AuditLog(options);
    try {
      log.#makeReady();
    } catch {
      log.#isAvailable = false;
    }
    return log;
  }

  get status(): AuditStatus {
    return {
      isAvailable: this.#isAvailable,
      lastSeq: this.#nextSeq - 1,
      checkpointSize: this.#witness.size,
      checkpointFailure: this.#witness.failure,
    };
  }

  get evidence(): Evidence {
    const files = { folder: this.#o.files.folder, events: this.#events };
    const { keys, publicKey } = this.#witness;
    if (keys === null || publicKey === null) return files;
    return { ...files, publicKey, macSeed: keys.macSeed, vaultId: keys.vaultId };
  }

  /**
   * From now on names are kept, and checkpoints signed. Takes ownership of the keys: `lock` wipes them. Reads the whole
   * log once and compares it with its last checkpoint; a difference is recorded in front of the next event.
   */
  unlock(keys: AuditKeys): void {
    this.#owed.push(...this.#witness.unlock(keys));
  }

  /**
   * Signs a checkpoint of what is acknowledged, then wipes the keys whatever happens. Events that still wait lose their
   * names: await `append` first.
   */
  lock(): void {
    try {
      this.#witness.checkpoint();
    } finally {
      this.#witness.wipe();
    }
  }

  /** To be called now and then: signs the checkpoint that is due five minutes after the last. */
  tick(): void {
    this.#witness.tick();
  }

  /**
   * Resolves when every event is written and synced, in order, with all that came before (I2). Rejects with
   * `audit/unavailable` when that failed; every call tries anew, and answers truly. Rejects with `internal/error` for a
   * fact outside the vocabulary. While the vault is locked names are left out; the event is not.
   */
  async append(...events: AuditEvent[]): Promise<void> {
    for (const event of events) checkFacts(event);
    if (this.#isClosed) throw new Failure('audit/unavailable', 'the audit log is closed');
    const at = new Date(this.#o.now()).toISOString();
    const mono = Math.floor(performance.now());
    await this.#queue.add(events.map((event) => ({ event, at, mono })));
  }

  /** Events that are written, oldest first unless asked otherwise; with their names while unlocked. */
  async events(query: EventsQuery = {}): Promise<RecordedEvent[]> {
    const { fromSeq = 1, limit = Infinity, newestFirst = false } = query;
    await this.#queue.idle();
    const found: RecordedEvent[] = [];
    const segments = segmentsOf(this.#events);
    for (const path of newestFirst ? segments.toReversed() : segments) {
      const lines = [...linesOf(readSegment(path))];
      for (const line of newestFirst ? lines.toReversed() : lines) {
        if (found.length >= limit) return found;
        const recorded = this.#show(line, fromSeq);
        if (recorded !== null) found.push(recorded);
      }
    }
    return found;
  }

  /** Waits for what was appended, signs a checkpoint, and lets go of files and keys. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#queue.idle();
    this.lock();
    this.#keyFile.sync(this.#nextSeq);
    this.#keyFile[Symbol.dispose]();
    this.#ratchet?.wipe();
    this.#journal?.[Symbol.dispose]();
    this.#journal = null;
  }

  // --- writing ------------------------------------------------------------------------------------------------------

  async #commit(events: readonly Stamped[]): Promise<void> {
    try {
      await this.#write(events);
      this.#isAvailable = true;
    } catch (error) {
      this.#isAvailable = false;
      throw unavailable(error);
    }
  }

  async #write(events: readonly Stamped[]): Promise<void> {
    const [first] = events;
    if (first === undefined) return;
    let journal = this.#makeReady();
    if (journal.size >= (this.#o.segmentBytes ?? SEGMENT_BYTES)) journal = this.#beginSegment(journal);
    const owed = this.#owed;
    const { lines, next } = this.#makeLines([...owed.map((event) => ({ ...first, event })), ...events]);
    const bytes = Buffer.from(lines.map((line) => line.text).join(''));
    try {
      await journal.append(bytes);
      // Only now: a key that is ahead of the log says that events were taken away.
      if (next !== null) this.#keyFile.save(next);
    } catch (error) {
      next?.wipe();
      throw error;
    }
    journal.acknowledge(bytes.length);
    this.#owed = this.#owed.slice(owed.length);
    this.#nextSeq += lines.length;
    this.#prev = lines.at(-1)?.chain ?? this.#prev;
    this.#ratchet?.wipe();
    this.#ratchet = next;
    this.#witness.add(lines.map((line) => line.text));
  }

  /** The lines, and the MAC key of the event after them. The key of now is left alone: the write may fail. */
  #makeLines(events: readonly Stamped[]): { lines: Line[]; next: Ratchet | null } {
    this.#ratchet ??= this.#witness.ratchetAt(this.#nextSeq);
    const lines: Line[] = [];
    let prev = this.#prev;
    let ratchet = this.#ratchet;
    for (const { event, at, mono } of events) {
      const seq = this.#nextSeq + lines.length;
      const sealed = event.names === undefined ? undefined : this.#witness.seal(seq, event.names);
      const place = { v: FORMAT_VERSION, seq, at, mono, boot: this.#boot, prev: prev.toString('hex') } as const;
      const body = { ...place, event: event.event, facts: event.facts };
      const line = makeLine(sealed === undefined ? body : { ...body, sealed }, ratchet);
      const next = ratchet?.next() ?? null;
      if (ratchet !== this.#ratchet) ratchet?.wipe();
      ratchet = next;
      prev = line.chain;
      lines.push(line);
    }
    return { lines, next: ratchet };
  }

  #beginSegment(full: Journal): Journal {
    const journal = new Journal(segmentAfter(this.#events, full.path));
    full[Symbol.dispose]();
    this.#journal = journal;
    this.#owed.push({ event: 'audit_rotated', facts: { count: this.#nextSeq - 1 } });
    return journal;
  }

  /** The file to write to: the one we have when nobody else touched it, else opened and read again. */
  #makeReady(): Journal {
    if (this.#journal?.isAsLeft() === true) return this.#journal;
    if (!this.#hasFolder) ensurePrivateFolder(this.#o.files.folder);
    this.#hasFolder = true;
    this.#journal?.[Symbol.dispose]();
    this.#journal = null;
    this.#keyFile[Symbol.dispose]();
    this.#witness.forget();
    const found = recover(this.#events, this.#ratchet ?? this.#keyFile.load());
    this.#journal = found.journal;
    this.#ratchet = found.ratchet;
    this.#nextSeq = found.nextSeq;
    this.#prev = found.prev;
    this.#owed.push(...found.findings);
    this.#isAvailable = true;
    return found.journal;
  }

  // --- reading ------------------------------------------------------------------------------------------------------

  *#acknowledgedLines(): Generator<Buffer> {
    for (const path of segmentsOf(this.#events)) {
      const bytes = readSegment(path);
      // A write that is under way has no place in the tree yet.
      yield* linesOf(path === this.#journal?.path ? bytes.subarray(0, this.#journal.size) : bytes);
    }
  }

  #show(line: Buffer, fromSeq: number): RecordedEvent | null {
    const entry = readLine(line.toString('utf8'));
    if (entry === null || entry.body.seq < fromSeq) return null;
    const { seq, at, event, facts, sealed } = entry.body;
    const names = sealed === undefined ? undefined : this.#witness.open(seq, sealed);
    return names === undefined ? { seq, at, event, facts } : { seq, at, event, facts, names };
  }
}

function unavailable(error: unknown): Failure {
  if (error instanceof Failure && error.code === 'audit/unavailable') return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const why = error instanceof Failure ? error.message : code;
  return new Failure('audit/unavailable', `the audit log cannot be written: ${why}`, { cause: error });
}
