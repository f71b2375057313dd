// What the program gets for its standard output and standard error: a pipe for what is no terminal, and for what is one
// a pseudo-terminal, so that colours and widths stay as they are. Two that lead to the same place share one, and so keep
// their order.

import { closeSync, fstatSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { isatty, ReadStream } from 'node:tty';
import { makePipe } from '../../../machine/native.ts';
import { copySize, modesOf, openOtherEnd, openPseudoTerminal, rawModes, setModes } from '../../../machine/pty.ts';
import { MaskedOutput, type LateNeedles } from './masked-output.ts';

export interface Channel {
  /** What the program writes to. */
  readonly theirFd: number;
  /** Reads until the program and everything it left behind have closed their end. */
  readonly output: MaskedOutput;
  readonly source: Readable;
  /** Follows the size of the terminal that it stands for. */
  resize(): void;
}

export type OutputFd = 1 | 2;

/** Where a descriptor leads: two of the same place are the same text. */
export function placeOf(fd: number): string {
  const { dev, ino, rdev } = fstatSync(fd);
  return `${dev}:${ino}:${rdev}`;
}

/** What is written to /dev/null needs no masking. */
export function isNowhere(fd: number): boolean {
  return fstatSync(fd).rdev === statSync('/dev/null').rdev;
}

export function openChannel(fd: OutputFd, needles: LateNeedles): Channel {
  return isatty(fd) ? openTerminalChannel(fd, needles) : openPipeChannel(fd, needles);
}

function openPipeChannel(fd: OutputFd, needles: LateNeedles): Channel {
  const { readFd, writeFd } = makePipe();
  return {
    theirFd: writeFd,
    source: new Socket({ fd: readFd, readable: true, writable: false }),
    output: new MaskedOutput({ fd, isTerminal: false }, needles),
    resize: () => undefined,
  };
}

/** Transparent: the human's own terminal, at which these bytes arrive, does what a terminal does with them. */
function openTerminalChannel(fd: OutputFd, needles: LateNeedles): Channel {
  const terminal = openPseudoTerminal(fd);
  const theirFd = openOtherEnd(terminal);
  const modes = modesOf(theirFd);
  if (modes !== null) setModes(theirFd, rawModes(modes));
  return {
    theirFd,
    source: new ReadStream(terminal.masterFd),
    output: new MaskedOutput({ fd, isTerminal: true }, needles),
    resize: () => copySize(fd, terminal.masterFd),
  };
}

/** Our copy of the program's end: the program has its own by now. */
export function closeTheirs(channels: Iterable<Channel>): void {
  for (const { theirFd } of channels) closeSync(theirFd);
}
