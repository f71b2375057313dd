// The doorkeeper of one mounted file: every process that opens it is identified, taken to the gate, and let in or not
// (I9). Readers of one program are asked about one after the other, since one answer may do for all of them.

import type { HandOver, Reading } from '../authority/powers.ts';
import { denialOf, readerKey } from '../authority/readers.ts';
import type { Ticket } from '../authority/tickets.ts';
import type { Variable } from '../core/environment.ts';
import type { MountRefusal } from '../core/mount.ts';
import type { ReadFacts } from '../core/mount-facts.ts';
import { parseReference, type SecretReference } from '../core/reference.ts';
import type { Admission, Doorkeeper, Opener } from '../delivery/mount/backend.ts';
import type { StoredMount } from '../vault/mounts.ts';
import type { Elsewhere } from './elsewhere.ts';
import type { KnownReader } from './reader-facts.ts';
import { variableFacts } from './run-facts.ts';
import type { Service } from './service.ts';

/** Refusals of one kind are counted for so long before they are on the record again: a flood must not fill the disk. */
const NOTE_PAUSE_MS = 10_000;
/** Readers let in at once, and in a second from then on; more wait their turn (attack F12). */
const READS_AT_ONCE = 1_000;
const READS_PER_SECOND = 200;
const TURN_MS = 5;

/** Why somebody was not let in, as the log has it. */
type Refused = MountRefusal | 'denied' | 'locked';

export class Door implements Doorkeeper {
  readonly #service: Service;
  readonly #mount: () => StoredMount;
  readonly #asking = new Map<string, Promise<void>>();
  readonly #notes = new Map<Refused, { atMs: number; count: number }>();
  #known: { readonly revision: number; readonly content: Content } | null = null;
  #turns = READS_AT_ONCE;
  #turnsAtMs: number;

  /** `mount` gives the mount as it is now: a rename of its environment changes what is shown. */
  constructor(service: Service, mount: () => StoredMount) {
    this.#service = service;
    this.#mount = mount;
    this.#turnsAtMs = service.nowMs();
  }

  async admit(opener: Opener): Promise<Admission | null> {
    try {
      const known = await this.#service.readers.identify(opener);
      if (known === null) return this.#refuse('unidentified');
      await this.#turn(opener.gone);
      return await this.#ask(opener, known);
    } catch (error) {
      this.#service.log.failure('mount', error);
      return this.#refuse('broken');
    }
  }

  refused(why: MountRefusal, count: number): void {
    this.#note(why, count);
  }

  /** What was counted and not yet recorded. */
  flush(): void {
    if (this.#notes.size === 0) return;
    const now = this.#service.nowMs();
    for (const [why, note] of this.#notes) {
      if (now - note.atMs < NOTE_PAUSE_MS) continue;
      this.#notes.delete(why);
      if (note.count > 0) this.#record(why, note.count);
    }
  }

  async #ask(opener: Opener, known: KnownReader): Promise<Admission | null> {
    const { authority } = this.#service;
    for (;;) {
      // I3: whoever does not wait any more is not asked about.
      if (opener.gone.aborted) return this.#refuse('gone');
      if (!this.#service.isUnlocked) return this.#refuse('locked');
      const asked = { agent: known.agent, work: this.#readFacts(known), isUnchanged: known.isUnchanged };
      if (authority.denials.has(denialOf(asked))) return this.#refuse('denied');
      if (authority.grants.covering(asked.agent, asked.work, this.#service.nowMs()) !== null)
        return await this.#request(opener, asked);
      const key = readerKey(asked);
      const before = this.#asking.get(key);
      if (before === undefined) return await this.#askFirst(key, opener, asked);
      await either(before, opener.gone);
    }
  }

  async #askFirst(key: string, opener: Opener, asked: Asked): Promise<Admission | null> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#asking.set(key, promise);
    try {
      return await this.#request(opener, asked);
    } finally {
      this.#asking.delete(key);
      resolve();
    }
  }

  /** Through the gate. Whatever is not a yes, or a yes after the opener has gone, is a no. */
  async #request(opener: Opener, { agent, work, isUnchanged }: Asked): Promise<Admission | null> {
    const { authority } = this.#service;
    const admitted = Promise.withResolvers<Admission | null>();
    const handOver: HandOver = (order) => {
      const admission = new ReadAdmission(this.#service, order, isUnchanged);
      admitted.resolve(admission);
      return admission;
    };
    const common = {
      reason: '',
      stdin: null,
      createdBy: null,
      outputAtMost: 'redacted',
      needsAdmission: false,
    } as const;
    const ticket = await authority.request({ agent, work, handOver, ...common });
    void untilOver(ticket, opener.gone).then(() => admitted.resolve(null));
    const admission = await admitted.promise;
    if (admission === null && ticket.state.at !== 'over') await authority.cancel(ticket.requestId, agent);
    return admission;
  }

  #readFacts({ reader }: KnownReader): ReadFacts {
    const { mountId, path, backend } = this.#mount();
    return { action: 'ReadMount', ...this.#content(), mountId, path, backend, reader };
  }

  /** What would be handed over, looked up again when anything in the vault has changed. */
  #content(): Content {
    const { environmentId } = this.#mount();
    const vault = this.#service.unlocked();
    const { revision } = vault;
    if (this.#known?.revision === revision) return this.#known.content;
    const { name, createdBy, variables } = vault.environment(environmentId);
    const content = {
      environmentId,
      environmentName: name,
      environmentCreatedBy: createdBy,
      variables: variableFacts(
        this.#service,
        name,
        variables.filter((one) => isInFile(one, this.#service.elsewhere)),
      ),
    };
    this.#known = { revision, content };
    return content;
  }

  /** Delays, and refuses nobody: a loop that reads is slowed down to what the log can take. */
  async #turn(gone: AbortSignal): Promise<void> {
    for (;;) {
      const now = this.#service.nowMs();
      this.#turns = Math.min(READS_AT_ONCE, this.#turns + ((now - this.#turnsAtMs) * READS_PER_SECOND) / 1_000);
      this.#turnsAtMs = now;
      if (this.#turns >= 1 || gone.aborted) break;
      await new Promise((resolve) => setTimeout(resolve, TURN_MS));
    }
    this.#turns -= 1;
  }

  #refuse(why: Refused): null {
    this.#note(why, 1);
    return null;
  }

  #note(why: Refused, count: number): void {
    const note = this.#notes.get(why);
    if (note !== undefined) {
      note.count += count;
      return;
    }
    this.#notes.set(why, { atMs: this.#service.nowMs(), count: 0 });
    this.#record(why, count);
  }

  #record(why: Refused, count: number): void {
    const { mountId, environmentId, path } = this.#mount();
    const facts = { action: 'ReadMount', mountId, environmentId, why, count };
    this.#service
      .record({ event: 'refused', facts, names: { path } })
      .catch((error: unknown) => this.#service.log.failure('audit', error));
  }
}

type Content = Pick<ReadFacts, 'environmentId' | 'environmentName' | 'environmentCreatedBy' | 'variables'>;
type Asked = Parameters<typeof denialOf>[0] & Pick<KnownReader, 'isUnchanged'>;

/**
 * Whether a variable has a value that a file can hold. A reader waits for the file: what another manager has to be asked
 * for, or is good for half a minute only, is handed over by run and read.
 */
export function isInFile(variable: Pick<Variable, 'isSet' | 'reference' | 'writable'>, elsewhere: Elsewhere): boolean {
  const { isSet, reference: text, writable } = variable;
  if (text === undefined) return isSet && writable !== false;
  const reference = referenceOrNull(text);
  return reference?.form === 'value' && elsewhere.kindOf(reference.vault) === null;
}

/** Null for one that an earlier version took without looking at it. */
function referenceOrNull(text: string): SecretReference | null {
  try {
    return parseReference(text);
  } catch {
    return null;
  }
}

/** A yes, on its way to the reader. */
class ReadAdmission implements Admission, Reading {
  readonly #service: Service;
  readonly #order: Parameters<HandOver>[0];
  readonly #isUnchanged: () => boolean;
  readonly #revoked = new AbortController();
  readonly #settled = Promise.withResolvers<'delivered' | MountRefusal>();

  constructor(service: Service, order: Parameters<HandOver>[0], isUnchanged: () => boolean) {
    this.#service = service;
    this.#order = order;
    this.#isUnchanged = isUnchanged;
  }

  get revoked(): AbortSignal {
    return this.#revoked.signal;
  }

  get settled(): Promise<'delivered' | MountRefusal> {
    return this.#settled.promise;
  }

  open(): Buffer | null {
    if (this.#revoked.signal.aborted || this.#order.isRevoked() || !this.#service.isUnlocked) return null;
    // The yes was to that program, and not to what the process has become while the human thought about it.
    if (!this.#isUnchanged()) return null;
    return this.#service.mounts.texts.open(this.#service.unlocked(), this.#order.read);
  }

  settle(outcome: 'delivered' | MountRefusal): void {
    this.#settled.resolve(outcome);
  }

  /** The back end hears it, and takes back what it can, before this returns. */
  async kill(): Promise<void> {
    this.#revoked.abort();
    this.#settled.resolve('revoked');
    await this.#settled.promise;
  }
}

/** Resolves when the ticket is over or `gone` aborts. */
async function untilOver(ticket: Ticket, gone: AbortSignal): Promise<void> {
  while (ticket.state.at !== 'over' && !gone.aborted) await ticket.changed(gone);
}

async function either(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  await Promise.race([promise, aborted]);
}
