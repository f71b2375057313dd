// The row of `setup`, and the program that clients are told to start.

import { fileURLToPath } from 'node:url';
import { EXIT, type ExitCode } from '../../core/failure.ts';
import type { Call, Command } from './command.ts';
import type { ClientName, Launcher } from './setup.ts';

const CLIENTS: readonly ClientName[] = ['codex', 'claude', 'cursor', 'vscode'];

export const SETUP_COMMANDS: readonly Command[] = [
  {
    path: ['setup'],
    args: [{ name: 'CLIENT', choices: CLIENTS }],
    flags: {
      print: { help: 'only show what would be written' },
      remove: { help: 'take the entry out again' },
    },
    help: 'tell a coding agent how to reach Keystile',
    details: "Uses the client's own command where it has one; changes its configuration once, and keeps a copy.",
    example: 'keystile setup codex --print',
    run: setup,
  },
];

async function setup(call: Call): Promise<ExitCode> {
  // Only here: no other command needs to read TOML.
  const { setupClient } = await import('./setup.ts');
  const report = await setupClient({
    client: CLIENTS.find((name) => name === call.argument('CLIENT')) ?? 'codex',
    print: call.has('print'),
    remove: call.has('remove'),
    launcher: launcher(),
    env: process.env,
  });
  const isShown = !call.has('remove') && (call.has('print') || report.changed);
  call.output.answer(report, () => [
    ...report.notes,
    ...(report.backup === null ? [] : [`The file as it was: ${report.backup}`]),
    ...(call.has('print') ? ['', ...report.entry.trimEnd().split('\n')] : []),
    ...(isShown
      ? ['', 'For the AGENTS.md or CLAUDE.md of a project:', '', ...report.agentsSnippet.trimEnd().split('\n')]
      : []),
  ]);
  return EXIT.done;
}

/** The installed start script, by its absolute path; from source, this Node with the flags the script would give it. */
function launcher(): Launcher {
  if (!import.meta.url.endsWith('.ts')) {
    return { command: fileURLToPath(new URL('../bin/keystile', import.meta.url)), args: [] };
  }
  return {
    command: process.execPath,
    args: ['--disable-sigusr1', fileURLToPath(new URL('../../main.ts', import.meta.url))],
  };
}
