// The row of `watch`: open the session with the passphrase, then hand the terminal to it.

import { EXIT, type ExitCode } from '../../core/failure.ts';
import { usage, type Call, type Command } from './command.ts';
import { Mailbox, watchRequests } from './watch.ts';

export const WATCH_COMMANDS: readonly Command[] = [
  {
    path: ['watch'],
    help: 'show requests as they come, and answer them with single keys',
    details:
      'Asks for the passphrase once. Ends when you leave it, the vault is locked, or nothing is answered for ten minutes.\n' +
      'A yes counts only after the whole request was on the screen for a second. What a run left in files, and output that\n' +
      'looks as if somebody were after secrets, is told as it happens: r revokes everything of that agent. When output was\n' +
      'held, o reads it, and y then releases it to the agent.',
    example: 'keystile watch',
    run: watch,
  },
];

async function watch(call: Call): Promise<ExitCode> {
  if (call.output.isJson) throw usage('watch is for people', 'programs use keystile requests --format json');
  const daemon = await call.daemon();
  const mailbox = new Mailbox();
  daemon.onEvent((event) => mailbox.put({ kind: 'event', event }));
  const { result } = await call.human.withPassphrase('Passphrase to watch and answer', async (passphrase) => {
    return await daemon.call('watch.open', {}, { parts: [passphrase] });
  });
  void daemon.closed.then(() => mailbox.put({ kind: 'over', why: 'the daemon has stopped' }));
  const why = await call.human.withTerminal(async (terminal) => await watchRequests(daemon, terminal, mailbox, result));
  call.output.note(`watch ended: ${why}`);
  return EXIT.done;
}
