// What --help prints, and the table of docs/cli.md: both made from the commands themselves.

import { GLOBAL_FLAGS, type Argument, type Command, type Flag } from './command.ts';

const INTRODUCTION = `Keystile: coding agents use secrets they can never see.

usage: keystile COMMAND [ARGUMENTS] [--format json] [--passphrase-stdin] [--help]`;

/** `environment set ENV NAME`. */
export function synopsis(command: Command): string {
  const words = command.takesCommand === true ? ['--', 'CMD...'] : [];
  return [...command.path, ...(command.args ?? []).map(argumentText), ...words].join(' ');
}

function argumentText(argument: Argument): string {
  const text = argument.choices?.join('|') ?? argument.name;
  if (argument.isRepeated === true) return `[${text}...]`;
  return argument.isOptional === true ? `[${text}]` : text;
}

/** `--for TIME`. */
export function flagText(name: string, flag: Flag): string {
  const value = flag.choices?.join('|') ?? flag.value;
  const word = flag.short === undefined ? `--${name}` : `-${flag.short}, --${name}`;
  if (value === undefined) return word;
  const text = flag.optional === undefined ? `${word} ${value}` : `${word} [${value}]`;
  return flag.isRepeated === true ? `${text}...` : text;
}

/** Help of one command. Ends without a newline, as all text here. */
export function commandHelp(command: Command): string {
  const own = Object.entries(command.flags ?? {});
  return [
    `usage: keystile ${synopsis(command)}${own.length > 0 ? ' [FLAGS]' : ''}`,
    '',
    `${capital(command.help)}.`,
    ...(command.details === undefined ? [] : ['', command.details]),
    ...(own.length === 0 ? [] : ['', 'flags', ...flagLines(own)]),
    '',
    'flags of every command',
    ...flagLines(Object.entries(GLOBAL_FLAGS)),
    '',
    'example',
    ...command.example.split('\n').map((line) => `  ${line}`),
  ].join('\n');
}

/** Help of keystile, or of a noun such as `environment`. */
export function groupHelp(commands: readonly Command[], path: readonly string[]): string {
  const under = commands.filter((command) => path.every((word, i) => command.path[i] === word));
  const width = Math.max(...under.map((command) => synopsis(command).length));
  const lines = under.map((command) => `  ${synopsis(command).padEnd(width)}  ${command.help}`);
  if (path.length === 0) {
    const more = 'keystile COMMAND --help says more, with an example. Exit codes: docs/cli.md.';
    return [INTRODUCTION, '', 'commands', ...lines, '', more, '', 'example', '  keystile init'].join('\n');
  }
  const example = under[0]?.example ?? '';
  return [`usage: keystile ${path.join(' ')} COMMAND`, '', 'commands', ...lines, '', 'example', `  ${example}`].join(
    '\n',
  );
}

/** The commands as a table in Markdown, for docs/cli.md. */
export function commandTable(commands: readonly Command[]): string {
  const rows = commands.map((command) => {
    const flags = Object.entries(command.flags ?? {}).map(([name, flag]) => code(flagText(name, flag)));
    return [code(synopsis(command)), command.help, flags.join(' ')];
  });
  return markdownTable([['command', 'does', 'flags'], ...rows]);
}

/** A table laid out as oxfmt lays it out; the first row is its head. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head = []] = rows;
  const widths = head.map((_cell, i) => Math.max(3, ...rows.map((row) => row[i]?.length ?? 0)));
  const lines = rows.map((row) => `| ${widths.map((width, i) => (row[i] ?? '').padEnd(width)).join(' | ')} |`);
  return lines.toSpliced(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`).join('\n');
}

function code(text: string): string {
  return `\`${text.replaceAll('|', String.raw`\|`)}\``;
}

function flagLines(flags: readonly (readonly [string, Flag])[]): string[] {
  const width = Math.max(...flags.map(([name, flag]) => flagText(name, flag).length));
  return flags.map(([name, flag]) => `  ${flagText(name, flag).padEnd(width)}  ${flag.help}`);
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
