// A channel that is a pseudo-terminal. Loaded when there is a terminal: node:tty takes 6 ms.

import { ReadStream } from 'node:tty';
import { copySize, modesOf, openOtherEnd, openPseudoTerminal, rawModes, setModes } from '../../../machine/pty.ts';
import type { Channel, OutputFd } from './channels.ts';
import { MaskedOutput, type LateNeedles } from './masked-output.ts';

/** Transparent: the human's own terminal, at which these bytes arrive, does what a terminal does with them. */
export function openTerminalChannel(fd: OutputFd, needles: LateNeedles): Channel {
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
