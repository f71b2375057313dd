// The manual page, made from the commands as docs/cli.md is: UPDATE_DOCS=1 node --test test/doors/cli-docs.test.ts

import { EXIT, type ExitCode } from '../src/core/failure.ts';
import { GLOBAL_FLAGS, type Command, type Flag } from '../src/doors/cli/command.ts';
import { flagText, synopsis } from '../src/doors/cli/help.ts';

const EXIT_MEANINGS: Readonly<Record<ExitCode, string>> = {
  [EXIT.done]: 'done',
  [EXIT.failed]: 'failed; doctor and audit verify: something is wrong',
  [EXIT.usage]: 'the command line or an argument is wrong',
  [EXIT.locked]: 'the vault is locked',
  [EXIT.denied]: 'denied, or the passphrase is wrong',
  [EXIT.timedOut]: 'nobody answered in time',
  [EXIT.forbidden]: 'forbidden by policy',
  [EXIT.notFound]: 'not found',
  [EXIT.ambiguous]: 'more than one fits',
  [EXIT.unreachable]: 'the daemon cannot be reached, or cannot be trusted',
};

const FILES = [
  ['~/.local/share/keystile', 'the home; $KEYSTILE_HOME or $XDG_DATA_HOME/keystile when set'],
  ['vault.db', 'in the home: the encrypted vault'],
  ['config.toml', 'in the home: settings, mode 0600; an unknown word is an error'],
  ['audit/events.jsonl', 'in the home: what happened, chained and signed'],
  ['keystile.log', 'in the home: what the daemon did; never a value'],
] as const;

/** In the macros of man(7). Has no date and no version, so that it changes only when a command does. */
export function manPage(commands: readonly Command[]): string {
  return [
    String.raw`.\" Made from the commands; see scripts/man-page.ts`,
    '.TH KEYSTILE 1 "" "Keystile" "User Commands"',
    '.SH NAME',
    text('keystile - coding agents use secrets they can never see').replace(' - ', String.raw` \- `),
    '.SH SYNOPSIS',
    String.raw`.B keystile`,
    text('COMMAND [ARGUMENTS] [--format json] [--passphrase-stdin] [--help]'),
    '.SH DESCRIPTION',
    text('Secrets lie in an encrypted vault on this machine. A coding agent asks for what it wants to do with them;'),
    text(
      'a person sees the whole request and answers; the program is then run with the values, and its output is masked.',
    ),
    text('The daemon starts by itself when a command needs it.'),
    '.SH COMMANDS',
    ...commands.flatMap((command) => commandLines(command)),
    '.SH FLAGS OF EVERY COMMAND',
    ...flagLines(GLOBAL_FLAGS),
    '.SH EXIT STATUS',
    ...Object.entries(EXIT_MEANINGS).flatMap(([code, meaning]) => term(code, text(meaning))),
    '.SH FILES',
    ...FILES.flatMap(([path, meaning]) => term(path, text(meaning))),
    '.SH EXAMPLES',
    '.EX',
    ...['keystile init', 'keystile setup codex', 'keystile environment create staging'].map(text),
    ...['keystile environment set staging DATABASE_URL', 'keystile watch'].map(text),
    '.EE',
    '',
  ].join('\n');
}

function commandLines(command: Command): string[] {
  const { help, details, flags, example } = command;
  return [
    ...term(synopsis(command), text(`${help.slice(0, 1).toUpperCase()}${help.slice(1)}.`)),
    ...(details === undefined ? [] : ['.RS', '.PP', ...details.split('\n').map(text), '.RE']),
    ...(flags === undefined ? [] : ['.RS', ...flagLines(flags), '.RE']),
    '.RS',
    '.PP',
    '.EX',
    ...example.split('\n').map(text),
    '.EE',
    '.RE',
  ];
}

function flagLines(flags: Readonly<Record<string, Flag>>): string[] {
  return Object.entries(flags).flatMap(([name, flag]) => term(flagText(name, flag), text(flag.help)));
}

function term(name: string, ...lines: readonly string[]): string[] {
  return ['.TP', `.B ${text(name)}`, ...lines];
}

/**
 * A line that troff prints as it is. Plain - and ' and ` become other characters in a typeset page, where a command could not
 * be copied any more; a dot or a quote at the start would be a request (groff_char(7), groff(7)).
 */
function text(line: string): string {
  const escaped = line
    .replaceAll('\\', String.raw`\(rs`)
    .replaceAll('-', String.raw`\-`)
    .replaceAll("'", String.raw`\(aq`)
    .replaceAll('`', String.raw`\(ga`)
    .replaceAll('^', String.raw`\(ha`)
    .replaceAll('~', String.raw`\(ti`)
    // A long list of words may be broken there.
    .replaceAll('|', String.raw`|\:`);
  return escaped.replace(/^\./, String.raw`\&.`);
}
