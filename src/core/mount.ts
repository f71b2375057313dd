// A mounted `.env`: a path where a program finds the variables of an environment, for as long as it reads. What a mount
// is, what may become of it, and the limits of both.

/** What stands behind a mounted path (docs/mounts.md). */
export type MountBackend = 'fuse' | 'fifo' | 'file';

/**
 * `mounted`: readers are asked about and served. `tampered`: something else stands at the path; nobody is served until
 * the human mounts again. `failed`: it could not be made after the last unlock; `why` says it in a word.
 */
export type MountState = 'mounted' | 'tampered' | 'failed';

/**
 * Why an opener got nothing. `unidentified`: the system does not show who it is. `collided`: it opened one pipe together
 * with others, and they cannot be told apart for long enough. `gone`: it went away. `revoked`: the yes was taken back
 * before the bytes were out. `busy`: too many openers at once. `too_late`: the kernel would wait no longer. `broken`: the
 * system refused a call.
 */
export type MountRefusal = 'unidentified' | 'collided' | 'gone' | 'revoked' | 'busy' | 'too_late' | 'broken';

/** A mount is a convenience of one user; the number only keeps a loop from filling the vault (I8). */
export const MOUNTS_MAX = 500;
/** One write into a pipe of the largest size an ordinary user may ask for (/proc/sys/fs/pipe-max-size). */
export const MOUNT_BYTES_MAX = 1024 * 1024;
/** Openers of one mount that wait for an answer at once; more are refused as `busy` (I8). */
export const OPENERS_WAITING_MAX = 1_000;
