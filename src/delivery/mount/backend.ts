// What the three back ends have in common: something stands at a path, programs open it, each opener is put before the
// doorkeeper, and exactly the admitted ones get one whole copy. How the kernel is made to do that is each one's own.

import type { MountBackend, MountRefusal } from '../../core/mount.ts';

/** A process that opened a mounted file and waits. The two members name it for ever (machine/processes.ts). */
export interface Opener {
  readonly pid: number;
  readonly startedAt: string;
  /** Aborts when it went away before it got an answer: nobody has to be asked for it any more. */
  readonly gone: AbortSignal;
}

/** A yes to one opener. It is on the record already (I2). */
export interface Admission {
  /**
   * The bytes of the file, made now, in a buffer that the caller wipes; null when the yes was taken back meanwhile.
   * Synchronous, and to be called right before the bytes leave, with no `await` in between: what is not revoked here is
   * delivered. Throws what keeps the vault from being read; the opener then gets nothing.
   */
  open(): Buffer | null;
  /** Aborts when the yes is taken back: what the opener has not read yet, it must not get. */
  readonly revoked: AbortSignal;
  /**
   * To be called once, when nothing more can be read of it: what became of it. Goes into the audit log. Until then
   * `revoked` is heard.
   */
  settle(outcome: 'delivered' | MountRefusal): void;
}

/** Who decides. Lent by the daemon; a back end only asks. */
export interface Doorkeeper {
  /**
   * Null is a no, already on the record. May take as long as a human takes; never rejects. Whoever gets an Admission
   * settles it, whatever happens.
   */
  admit(opener: Opener): Promise<Admission | null>;
  /** Somebody opened the file who was refused without being asked about, or had no answer in time; `count` of a kind. */
  refused(why: MountRefusal, count: number): void;
}

/** What stands at the path, so that it is known again: device and inode as decimal text. */
export interface PathIdentity {
  readonly dev: string;
  readonly ino: string;
}

/** One mounted path. */
export interface MountedFile {
  readonly backend: MountBackend;
  readonly path: string;
  /** Of the FIFO or symbolic link at the path. A back end that puts fresh ones there keeps this up to date. */
  readonly identity: PathIdentity;
  /** Whether what stands at the path is ours. Cheap (one lstat): called more than once a second for every mount. */
  isIntact(): boolean;
  /**
   * Everybody who waits is refused, everything that was handed out and can be taken back is, and the path goes, if it is
   * still ours. What can be done without waiting is done before the first `await`. Never rejects.
   */
  close(): Promise<void>;
}

/** One way to mount files; holds what its mounts share. */
export interface Backend {
  readonly kind: MountBackend;
  /**
   * Puts something at `path` (absolute, its folder real, nothing there). Throws `mount/exists` when there is something
   * after all, `mount/unsupported` when this system cannot, `machine/io`. Things are made and removed at `held`, the same
   * place reached through a folder that is held open (machine/held-folder.ts), until the mount is closed: a folder that is
   * swapped for a link makes nothing appear or vanish elsewhere (attack F08). `isIntact` looks at `path`.
   */
  mount(path: string, doorkeeper: Doorkeeper, held?: string): Promise<MountedFile>;
  /** Closes what is left and what is shared. Never rejects. */
  close(): Promise<void>;
}
