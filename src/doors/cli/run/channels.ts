// What the program gets for its standard output and standard error: a pipe for what is no terminal, and for what is one
// a pseudo-terminal, so that colours and widths stay as they are. Two that lead to the same place share one, and so keep
// their order.

import { closeSync, fstatSync, statSync } from 'node:fs';
import { makePipe } from '../../../machine/native.ts';
import { isTerminal } from '../../../machine/pty.ts';
import { MaskedOutput, type LateNeedles, type Source } from './masked-output.ts';
import { PipeEnd } from './pipe-end.ts';

export interface Channel {
  /** What the program writes to. */
  readonly theirFd: number;
  /** Reads until the program and everything it left behind have closed their end. */
  readonly output: MaskedOutput;
  readonly source: Source;
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

export async function openChannel(fd: OutputFd, needles: LateNeedles): Promise<Channel> {
  if (!isTerminal(fd)) return openPipeChannel(fd, needles);
  return (await import('./terminal-channel.ts')).openTerminalChannel(fd, needles);
}

function openPipeChannel(fd: OutputFd, needles: LateNeedles): Channel {
  const { readFd, writeFd } = makePipe();
  return {
    theirFd: writeFd,
    source: new PipeEnd(readFd),
    output: new MaskedOutput({ fd, isTerminal: false }, needles),
    resize: () => undefined,
  };
}

/** Our copy of the program's end: the program has its own by now. */
export function closeTheirs(channels: Iterable<Channel>): void {
  for (const { theirFd } of channels) closeSync(theirFd);
}
