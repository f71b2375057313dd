// What --help prints, and the table of docs/cli.md: both made from the commands themselves.

import { GLOBAL_FLAGS, type Argument, type Command, type Flag } from './command.ts';

const INTRODUCTION = `Keystile: coding agents use secrets they can never see.

usage: keystile COMMAND [ARGUMENTS] [--format json] [--help]`;

/** What a terminal has unless somebody made it wider; help is the same everywhere. */
const COLUMNS = 80;
/** Help stands beside what it explains where that is no wider than this, else below. */
const LEFT_COLUMNS_MAX = 32;
const GAP = 2;

/** The first words of all commands, by what somebody wants. A test holds them and the commands together. */
export const CHAPTERS: readonly { readonly title: string; readonly words: readonly string[] }[] = [
  { title: 'begin', words: ['init', 'unlock', 'lock', 'status', 'doctor', 'setup'] },
  { title: 'keep secrets', words: ['environment', 'vault', 'item', 'import', 'export'] },
  { title: 'use them yourself', words: ['run', 'read', 'inject', 'mount', 'unmount', 'mounts'] },
  { title: 'answer agents and programs', words: ['watch', 'requests', 'approve', 'deny', 'release'] },
  { title: 'see what counts, and end it', words: ['grants', 'leases', 'agents', 'agent', 'revoke', 'audit'] },
  {
    title: 'seldom needed',
    words: ['recovery-kit', 'recover', 'start', 'stop', 'completion', 'mcp', 'version'],
  },
];

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
    ...wrapped(`${capital(command.help)}.`, 0),
    ...(command.details === undefined ? [] : ['', ...filled(command.details)]),
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
  if (path.length === 0) {
    const more = 'keystile COMMAND --help says more, with an example. Exit codes: docs/cli.md.';
    return [INTRODUCTION, '', ...chapters(commands), more, '', 'example', '  keystile init'].join('\n');
  }
  const under = commands.filter((command) => path.every((word, i) => command.path[i] === word));
  const lines = beside(under.map((command) => [synopsis(command), command.help]));
  const example = under[0]?.example ?? '';
  const examples = example.split('\n').map((line) => `  ${line}`);
  return [`usage: keystile ${path.join(' ')} COMMAND`, '', 'commands', ...lines, '', 'example', ...examples].join('\n');
}

/** A line for each first word; of a noun, what may follow it. */
function chapters(commands: readonly Command[]): string[] {
  const rows = CHAPTERS.map(({ title, words }) => ({ title, rows: words.map((word) => chapterRow(commands, word)) }));
  const width = Math.max(...rows.flatMap((chapter) => chapter.rows.map(([word]) => word.length)));
  return rows.flatMap((chapter) => [chapter.title, ...beside(chapter.rows, width), '']);
}

function chapterRow(commands: readonly Command[], word: string): readonly [string, string] {
  const under = commands.filter(({ path }) => path[0] === word);
  const [only] = under;
  if (only?.path.length === 1) return [word, only.help];
  return [word, under.map(({ path }) => path.slice(1).join(' ')).join(', ')];
}

/** Two columns, wrapped at the right edge. */
function beside(rows: readonly (readonly [string, string])[], least = 0): string[] {
  const fits = rows.map(([left]) => left.length).filter((length) => length <= LEFT_COLUMNS_MAX);
  const width = Math.max(least, ...fits);
  const indent = GAP + width + GAP;
  return rows.flatMap(([left, right]) => {
    const lines = wrapped(right, indent);
    if (left.length > width) return [`${' '.repeat(GAP)}${left}`, ...lines];
    const [first = '', ...others] = lines;
    return [`${' '.repeat(GAP)}${left.padEnd(width)}${first.slice(GAP + width)}`, ...others];
  });
}

/** Lines of at most COLUMNS, each with that many blanks in front. A word that is longer stays whole. */
function wrapped(text: string, indent: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((one) => ' '.repeat(indent) + one);
}

/** Details are written for wide lines. A line that is indented is a row of its own: word, gap, what it means. */
function filled(details: string): string[] {
  const paragraphs: string[] = [];
  for (const line of details.split('\n')) {
    const isRow = line.startsWith(' ');
    const last = paragraphs.at(-1);
    if (isRow || last === undefined || last.startsWith(' ')) paragraphs.push(line);
    else paragraphs[paragraphs.length - 1] = `${last} ${line}`;
  }
  return paragraphs.flatMap((paragraph) => (paragraph.startsWith(' ') ? row(paragraph) : wrapped(paragraph, 0)));
}

function row(line: string): string[] {
  const [, left = '', right = ''] = /^( +\S+(?: \S+)* {2,})(.*)$/.exec(line) ?? [];
  if (left === '' || line.length <= COLUMNS) return [line];
  const [first = '', ...others] = wrapped(right, left.length);
  return [left + first.trimStart(), ...others];
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
  return beside(flags.map(([name, flag]) => [flagText(name, flag), flag.help]));
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
