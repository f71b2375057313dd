// The kernel's side of a file system of ours: mounting it as an ordinary user, its device, and taking it away again, also
// what a killed predecessor left. What comes out of the device is in fuse-requests.ts. Linux only.
// What is said here of the kernel is said in Documentation/filesystems/fuse/fuse.rst, fuse(4) and fs/fuse/dev.c.

import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Failure } from '../core/failure.ts';
import { printable } from '../core/printable.ts';
import { cLibrary, unsupported } from './libc.ts';

/** What `mount` shows of us; also how a mount is known as ours. */
const SUBTYPE = 'keystile';
/** Read-only, for this user alone: without `allow_other` the kernel itself refuses every other user, root too. */
const OPTIONS = `ro,nosuid,nodev,noexec,fsname=${SUBTYPE},subtype=${SUBTYPE}`;
const DEVICE = '/dev/fuse';
/** Never from PATH: it runs with the rights of root. */
const HELPERS = ['/usr/bin/fusermount3', '/bin/fusermount3', '/usr/local/bin/fusermount3'];
/** The helper makes a handful of system calls; whatever keeps it longer keeps it for ever. */
const HELPER_MS_MAX = 5_000;
const HELPER_WORDS_MAX = 300;
/** Mounts can lie on top of each other. More than a few at one place is not our doing. */
const STALE_MAX = 8;

/** Numbers of <sys/socket.h> and <fcntl.h> on Linux. */
const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 0o2000001;
const MSG_DONTWAIT_CLOEXEC = 0x4000_0040;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const F_SETFL = 4;
const O_RDWR_NONBLOCK = 0o4002;

/** Why there can be no mount here, in words; null when there can. Looks only. */
export function whyNoFuse(): string | null {
  if (process.platform !== 'linux') return 'there is no FUSE on this system';
  if (helperPath() === null) return 'fusermount3 is not installed (package fuse3)';
  try {
    fs.closeSync(fs.openSync(DEVICE, 'r+'));
  } catch {
    return `${DEVICE} cannot be opened (no such device, or not allowed)`;
  }
  try {
    userInfo();
  } catch {
    return 'this user has no account, and fusermount3 wants one';
  }
  // A /proc of another pid namespace would show other processes under the numbers the kernel gives us.
  if (fs.readlinkSync('/proc/self') !== String(process.pid)) return '/proc does not show this process';
  return null;
}

/**
 * Mounts a file system on `folder` (absolute, real, ours) and returns its device, not blocking and not inherited by any
 * child. The caller answers INIT and closes it; then everybody inside gets an error. Throws `mount/unsupported`.
 */
export async function mountFuse(folder: string): Promise<number> {
  const [ours, theirs] = socketPair();
  try {
    const { isDone, words } = await callHelper(['-o', OPTIONS, '--', folder], theirs);
    if (!isDone) throw new Failure('mount/unsupported', `fusermount3 cannot mount: ${words}`);
    const device = receiveDescriptor(ours);
    cLibrary().func('int fcntl(int fd, int command, int flags)')(device, F_SETFL, O_RDWR_NONBLOCK);
    return device;
  } finally {
    fs.closeSync(ours);
    fs.closeSync(theirs);
  }
}

/**
 * Takes away every mount of ours at `folder` (absolute), dead or alive, and whoever still uses it. True when none is
 * left. Safe when there is none; touches nothing inside, so it cannot hang on a dead one. Needs no daemon: a guard may
 * call it. Mounts at other places may be those of another home, and are left alone.
 */
export async function unmountFuse(folder: string): Promise<boolean> {
  for (let i = 0; i < STALE_MAX; i += 1) {
    const place = mountedAt(folder);
    if (place === null) return true;
    // Lazy (-z): at once, also while somebody has a file open in it.
    const { isDone } = await callHelper(['-u', '-z', '--', place], null);
    if (!isDone) return false;
  }
  return mountedAt(folder) === null;
}

function helperPath(): string | null {
  return HELPERS.find((path) => fs.existsSync(path)) ?? null;
}

interface HelperEnd {
  readonly isDone: boolean;
  /** What it said, for people. */
  readonly words: string;
}

/** `socket`, when there is one, becomes its descriptor 3, over which it sends the device (fusermount3(1)). */
async function callHelper(args: readonly string[], socket: number | null): Promise<HelperEnd> {
  const helper = helperPath();
  if (helper === null) return { isDone: false, words: 'it is not installed' };
  const { promise, resolve } = Promise.withResolvers<HelperEnd>();
  const child = spawn(helper, args, {
    cwd: '/',
    env: socket === null ? {} : { _FUSE_COMMFD: '3' },
    stdio: ['ignore', 'ignore', 'pipe', ...(socket === null ? [] : [socket])],
    shell: false,
  });
  let words = '';
  child.stderr?.setEncoding('latin1').on('data', (text: string) => {
    words = (words + text).slice(0, HELPER_WORDS_MAX);
  });
  const deadline = setTimeout(() => {
    child.kill('SIGKILL');
    child.unref();
    resolve({ isDone: false, words: 'it does not end' });
  }, HELPER_MS_MAX);
  child.once('error', () => resolve({ isDone: false, words: 'it cannot be started' }));
  child.once('close', (code) =>
    resolve({ isDone: code === 0, words: printable(words.trim()) || `it ended with ${code}` }),
  );
  const end = await promise;
  clearTimeout(deadline);
  return end;
}

/**
 * What decides where a path below `place` (absolute, real) leads: the mounts at it and above it, as one text. Another
 * text means that another one was put there, or one taken away. Looks at no file, so nobody's file system is waited for.
 */
export function mountsOver(place: string): string {
  const over = mounts().filter(({ where }) => where === '/' || where === place || place.startsWith(`${where}/`));
  return over.map(({ id, where }) => `${id} ${where}`).join('\n');
}

/** The real path of `folder` when a file system of ours is mounted there. Looks at no file in it or on it. */
export function mountedAt(folder: string): string | null {
  let place: string;
  try {
    place = join(fs.realpathSync(dirname(folder)), basename(folder));
  } catch {
    return null;
  }
  return mounts().some(({ where, type }) => where === place && type === `fuse.${SUBTYPE}`) ? place : null;
}

interface Mounted {
  readonly id: string;
  readonly where: string;
  readonly type: string;
}

function mounts(): Mounted[] {
  const lines = fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return lines.map((line) => {
    // proc_pid_mountinfo(5): "ID PARENT MAJ:MIN ROOT PLACE OPTIONS [TAGS] - TYPE SOURCE OPTIONS", blanks as \040.
    const [before = '', after = ''] = line.split(' - ');
    const [id = '', , , , escaped = ''] = before.split(' ');
    const where = escaped.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCodePoint(parseInt(octal, 8)));
    return { id, where, type: after.split(' ')[0] ?? '' };
  });
}

function socketPair(): [number, number] {
  const ends = Buffer.alloc(8);
  const socketpair = cLibrary().funcOn('linux', 'int socketpair(int domain, int type, int protocol, void *ends)');
  if (socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, ends) !== 0) throw unsupported('a pair of sockets');
  return [ends.readInt32LE(0), ends.readInt32LE(4)];
}

/**
 * The one descriptor that waits in `socket`. The layout is that of recvmsg(2) and cmsg(3) on a 64-bit Linux, in one
 * buffer: 0 msghdr, 64 iovec, 80 the byte that comes along, 96 a control message with room for one descriptor.
 */
function receiveDescriptor(socket: number): number {
  const { func } = cLibrary();
  const buffer = Buffer.alloc(128);
  // memcpy(3) returns where its first argument lies; nothing is copied.
  const at = func('intptr_t memcpy(void *to, void *from, ulong count)')(buffer, buffer, 0);
  for (const [offset, value] of [
    [16, at + 64],
    [24, 1],
    [32, at + 96],
    [40, 24],
    [64, at + 80],
    [72, 1],
  ] as const) {
    buffer.writeBigUInt64LE(BigInt(value), offset);
  }
  const bytes = func('long recvmsg(int fd, void *message, int flags)')(socket, buffer, MSG_DONTWAIT_CLOEXEC);
  const isOne = bytes >= 0 && buffer.readBigUInt64LE(40) >= 20n && buffer.readBigUInt64LE(96) === 20n;
  if (!isOne || buffer.readInt32LE(104) !== SOL_SOCKET || buffer.readInt32LE(108) !== SCM_RIGHTS)
    throw unsupported('the device of a mount (SCM_RIGHTS)');
  return buffer.readInt32LE(112);
}
