// Terminals: a pseudo-terminal of our own (pty(7)) that a program writes to instead of the human's, and the modes, size
// and foreground of the one the human sits at.
// Linux is measured. macOS stands behind the same functions as its manual pages say, and has not been run.

import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { cLibrary, unsupported } from './libc.ts';

/** <asm-generic/ioctls.h> and <sys/ttycom.h>; struct winsize is four unsigned shorts. */
const IOCTL =
  process.platform === 'darwin'
    ? { TIOCGWINSZ: 0x4008_7468, TIOCSWINSZ: 0x8008_7467 }
    : { TIOCGWINSZ: 0x5413, TIOCSWINSZ: 0x5414 };
const WINSIZE_BYTES = 8;
/** <termios.h>: after what was written has been sent. */
const TCSADRAIN = 1;
/** Larger than struct termios anywhere. */
const TERMIOS_BYTES = 256;
const PATH_BYTES = 128;

/** The settings of a terminal, as struct termios holds them. */
export type Modes = Buffer;

export interface PseudoTerminal {
  /** Our end. The caller closes it. */
  readonly masterFd: number;
  /** The program's end. */
  readonly path: string;
}

/** A new pseudo-terminal with the size of `like`. Throws `machine/unsupported` when the system has none left. */
export function openPseudoTerminal(like: number): PseudoTerminal {
  const { posix_openpt, grantpt, unlockpt, ptsname_r } = loadLibrary();
  const masterFd = posix_openpt(constants.O_RDWR | constants.O_NOCTTY | O_CLOEXEC);
  if (masterFd < 0) throw unsupported('a pseudo-terminal');
  const path = Buffer.alloc(PATH_BYTES);
  if (grantpt(masterFd) !== 0 || unlockpt(masterFd) !== 0 || ptsname_r(masterFd, path, path.length) !== 0) {
    closeSync(masterFd);
    throw unsupported('a pseudo-terminal');
  }
  copySize(like, masterFd);
  return { masterFd, path: path.toString('latin1', 0, path.indexOf(0)) };
}

/** <fcntl.h>; Node has no name for it. */
const O_CLOEXEC = process.platform === 'darwin' ? 0x100_0000 : 0o2000000;

/** The program's end, opened by us and not as our controlling terminal. The caller closes it. */
export function openOtherEnd(terminal: PseudoTerminal): number {
  return openSync(terminal.path, constants.O_RDWR | constants.O_NOCTTY);
}

/** Gives terminal `to` the size of `from`; who uses it gets SIGWINCH if it changed. */
export function copySize(from: number, to: number): void {
  const size = Buffer.alloc(WINSIZE_BYTES);
  const { ioctl } = loadLibrary();
  if (ioctl(from, IOCTL.TIOCGWINSZ, 'void *', size) === 0) ioctl(to, IOCTL.TIOCSWINSZ, 'void *', size);
}

/** As isatty(3). Not that of node:tty, which loads all of node:net: 6 ms. */
export function isTerminal(fd: number): boolean {
  return fstatSync(fd).isCharacterDevice() && modesOf(fd) !== null;
}

/** Null when `fd` is no terminal, or one that is gone. */
export function modesOf(fd: number): Modes | null {
  const modes = Buffer.alloc(TERMIOS_BYTES);
  return loadLibrary().tcgetattr(fd, modes) === 0 ? modes : null;
}

/** A terminal that is gone cannot be changed, and that is no error. */
export function setModes(fd: number, modes: Modes): void {
  loadLibrary().tcsetattr(fd, TCSADRAIN, modes);
}

/** The same settings made transparent (cfmakeraw(3)): every byte passes as it is, in both directions. */
export function rawModes(modes: Modes): Modes {
  const raw = Buffer.from(modes);
  loadLibrary().cfmakeraw(raw);
  return raw;
}

/** Where this process stands at terminal `fd`: `none` when it is not the one that controls this process. */
export type Standing = 'foreground' | 'background' | 'none';

/** In the background, reading from the terminal or changing it would stop this process (termios(3), SIGTTIN, SIGTTOU). */
export function standingAt(fd: number): Standing {
  const { tcgetpgrp, getpgrp } = loadLibrary();
  const group = tcgetpgrp(fd);
  if (group < 0) return 'none';
  return group === getpgrp() ? 'foreground' : 'background';
}

type Library = ReturnType<typeof load>;
let loaded: Library | null = null;

function loadLibrary(): Library {
  loaded ??= load();
  return loaded;
}

function load() {
  const { func } = cLibrary();
  return {
    posix_openpt: func('int posix_openpt(int flags)'),
    grantpt: func('int grantpt(int fd)'),
    unlockpt: func('int unlockpt(int fd)'),
    ptsname_r: func('int ptsname_r(int fd, void *path, size_t bytes)'),
    ioctl: func('int ioctl(int fd, ulong request, ...)'),
    tcgetattr: func('int tcgetattr(int fd, void *modes)'),
    tcsetattr: func('int tcsetattr(int fd, int when, void *modes)'),
    cfmakeraw: func('void cfmakeraw(void *modes)'),
    tcgetpgrp: func('int tcgetpgrp(int fd)'),
    getpgrp: func('int getpgrp()'),
  };
}
