// Who opened one mounted file: those who wait for the doorkeeper's answer, and those who have their copy. The copies live
// here, and each one ends: when its reader closes the file, when the yes is taken back, when the mount goes.

import { OPENERS_WAITING_MAX } from '../../core/mount.ts';
import type { MountRefusal } from '../../core/mount.ts';
import type { Admission, Doorkeeper } from './backend.ts';
import type { OpenRequest, ReadRequest } from './fuse-messages.ts';
import { ERRNO, openAnswer } from './fuse-protocol.ts';
import type { FuseSession } from './fuse-session.ts';

/** Copies of all mounts at once, and their bytes (I8). A reader that opens and never closes gets no more. */
const OPEN_FILES_MAX = 4_096;
const OPEN_BYTES_MAX = 128 * 1024 * 1024;

/** What the mounts of one back end share. */
export class OpenFilesCount {
  #files = 0;
  #bytes = 0;
  #lastHandle = 0;

  get isFull(): boolean {
    return this.#files >= OPEN_FILES_MAX || this.#bytes >= OPEN_BYTES_MAX;
  }

  add(bytes: number): number {
    this.#files += 1;
    this.#bytes += bytes;
    this.#lastHandle += 1;
    return this.#lastHandle;
  }

  remove(bytes: number): void {
    this.#files -= 1;
    this.#bytes -= bytes;
  }
}

interface Waiting {
  readonly request: OpenRequest;
  readonly gone: AbortController;
}

interface OpenFile {
  readonly bytes: Buffer;
  readonly admission: Admission;
  readonly onRevoked: () => void;
  isRead: boolean;
}

export class FuseOpeners {
  readonly #session: FuseSession;
  readonly #doorkeeper: Doorkeeper;
  readonly #count: OpenFilesCount;
  readonly #waiting = new Map<bigint, Waiting>();
  readonly #open = new Map<number, OpenFile>();
  #isClosed = false;

  constructor(session: FuseSession, doorkeeper: Doorkeeper, count: OpenFilesCount) {
    this.#session = session;
    this.#doorkeeper = doorkeeper;
    this.#count = count;
  }

  open(request: OpenRequest): void {
    if (this.#isClosed) {
      this.#session.answer(request.unique, ERRNO.EACCES);
      return;
    }
    if (this.#waiting.size >= OPENERS_WAITING_MAX || this.#count.isFull) {
      this.#session.answer(request.unique, ERRNO.EACCES);
      this.#doorkeeper.refused('busy', 1);
      return;
    }
    const waiting = { request, gone: new AbortController() };
    this.#waiting.set(request.unique, waiting);
    // It never rejects; if it does all the same, that is a no (I3).
    void this.#ask(waiting).catch(() => this.#refuse(waiting, ERRNO.EACCES));
  }

  /**
   * A signal reached the opener, maybe one that ends it. Until it has an answer it can neither end nor handle the signal,
   * so it gets one. False when nobody of that number waits here.
   */
  interrupt(unique: bigint): boolean {
    const waiting = this.#waiting.get(unique);
    if (waiting === undefined) return false;
    this.#refuse(waiting, ERRNO.EINTR);
    waiting.gone.abort();
    return true;
  }

  /**
   * Whoever has the handle may read: the opener, and whatever it handed the open file to. Errors leave nothing to guess:
   * a copy that was taken back is refused like a file that never was open.
   */
  read({ unique, handle, offset, size }: ReadRequest): void {
    const file = this.#open.get(handle);
    if (file === undefined) this.#session.answer(unique, ERRNO.EACCES);
    else {
      file.isRead = true;
      this.#session.answer(unique, 0, file.bytes.subarray(offset, offset + size));
    }
  }

  /** The reader closed the file. Harmless when its copy is gone already. */
  release(handle: number): void {
    this.#wipe(handle, 'delivered');
  }

  /** Wipes the copy. `unread` is what became of one of which nothing was read. */
  #wipe(handle: number, unread: 'delivered' | MountRefusal): void {
    const file = this.#open.get(handle);
    if (file === undefined) return;
    this.#open.delete(handle);
    this.#count.remove(file.bytes.length);
    file.bytes.fill(0);
    file.admission.revoked.removeEventListener('abort', file.onRevoked);
    file.admission.settle(file.isRead ? 'delivered' : unread);
  }

  /** Refuses who waits and takes back what was given; whoever comes now is refused too. All at once. */
  close(): void {
    this.#isClosed = true;
    const waiting = [...this.#waiting.values()];
    for (const each of waiting) this.#refuse(each, ERRNO.EACCES);
    for (const handle of this.#open.keys()) this.#wipe(handle, 'revoked');
    // Last, because it calls others. Nobody has to be asked for them any more.
    for (const { gone } of waiting) gone.abort();
  }

  async #ask(waiting: Waiting): Promise<void> {
    const { pid, startedAt } = waiting.request.opener;
    const admission = await this.#doorkeeper.admit({ pid, startedAt, gone: waiting.gone.signal });
    if (admission === null) this.#refuse(waiting, ERRNO.EACCES);
    else this.#deliver(waiting, admission);
  }

  #refuse({ request }: Waiting, error: number): void {
    if (this.#waiting.delete(request.unique)) this.#session.answer(request.unique, error);
  }

  /** From the yes to the answer without a pause: what is not taken back here is delivered. */
  #deliver(waiting: Waiting, admission: Admission): void {
    const { request } = waiting;
    if (!this.#waiting.delete(request.unique)) {
      admission.settle(this.#isClosed ? 'revoked' : 'gone');
      return;
    }
    const bytes = this.#copyFor(admission);
    if (!Buffer.isBuffer(bytes)) {
      this.#session.answer(request.unique, ERRNO.EACCES);
      admission.settle(bytes);
      return;
    }
    const handle = this.#hold(bytes, admission, request.mount);
    const { mount, node, opener } = request;
    this.#session.tell({ kind: 'opened', mount, node, handle, size: bytes.length, opener });
    const sent = this.#session.answer(request.unique, 0, openAnswer(handle));
    if (sent === 'sent') return;
    this.#wipe(handle, sent);
    this.#session.tell({ kind: 'closed', mount, handle });
  }

  #copyFor(admission: Admission): Buffer | MountRefusal {
    if (admission.revoked.aborted) return 'revoked';
    if (this.#count.isFull) return 'busy';
    try {
      return admission.open() ?? 'revoked';
    } catch {
      return 'broken';
    }
  }

  #hold(bytes: Buffer, admission: Admission, mount: number): number {
    const handle = this.#count.add(bytes.length);
    const onRevoked = (): void => {
      this.#wipe(handle, 'revoked');
      this.#session.tell({ kind: 'closed', mount, handle });
    };
    admission.revoked.addEventListener('abort', onRevoked, { once: true });
    this.#open.set(handle, { bytes, admission, onRevoked, isRead: false });
    return handle;
  }
}
