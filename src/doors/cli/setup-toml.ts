// One table of a TOML file replaced or taken out, with every other byte left alone. Comments, order and odd spacing are
// somebody's work; no writer of whole TOML files keeps them.

import { parse } from 'smol-toml';

interface Statement {
  readonly kind: 'header' | 'pair' | 'blank';
  readonly start: number;
  /** After its newline. */
  readonly end: number;
  /** Of a header: the names in it. */
  readonly path: readonly string[];
}

/** `text` with the table `path`, its subtables included, replaced by `table` (whole lines), or gone when that is empty. */
export function replaceTable(text: string, path: readonly string[], table: string): string {
  const blocks = blocksOf(statementsOf(text), path);
  const [first] = blocks;
  if (first === undefined) return table === '' ? text : appended(text, table);
  let result = text;
  for (const block of blocks.toReversed()) {
    const replacement = block === first ? table : '';
    const start = replacement === '' ? startWithBlankLine(result, block) : block.start;
    result = result.slice(0, start) + replacement + result.slice(block.end);
  }
  return result;
}

function appended(text: string, table: string): string {
  const newline = text === '' || text.endsWith('\n') ? '' : '\n';
  return `${text}${newline}${text.trim() === '' ? '' : '\n'}${table}`;
}

/** The blank line that set a block apart goes with it, unless it still sets apart its neighbours. */
function startWithBlankLine(text: string, block: { readonly start: number; readonly end: number }): number {
  const isBlankBefore = text.slice(0, block.start).endsWith('\n\n');
  const isOpenAfter = block.end === text.length || text[block.end] === '\n';
  return isBlankBefore && isOpenAfter ? block.start - 1 : block.start;
}

/** From each header of ours to the last line that belongs to it; comments after that speak of what follows. */
function blocksOf(statements: readonly Statement[], path: readonly string[]): { start: number; end: number }[] {
  const blocks: { start: number; end: number }[] = [];
  let open: { start: number; end: number } | null = null;
  for (const statement of statements) {
    if (statement.kind === 'header') {
      const isOurs = path.every((name, at) => statement.path[at] === name);
      open = isOurs ? { start: statement.start, end: statement.end } : null;
      if (open !== null) blocks.push(open);
    } else if (statement.kind === 'pair' && open !== null) open.end = statement.end;
  }
  return blocks;
}

function statementsOf(text: string): Statement[] {
  const statements: Statement[] = [];
  for (let start = 0; start < text.length;) {
    const end = endOfStatement(text, start);
    const body = text.slice(start, end).trim();
    const isHeader = body.startsWith('[');
    const kind = isHeader ? 'header' : body === '' || body.startsWith('#') ? 'blank' : 'pair';
    statements.push({ kind, start, end, path: isHeader ? pathOf(body) : [] });
    start = end;
  }
  return statements;
}

/** A statement ends with its line, unless that lies in a string of several lines or in brackets (TOML 1.0, "Array"). */
function endOfStatement(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"' || character === "'") at = endOfString(text, at) - 1;
    else if (character === '#') at = endOfLine(text, at) - 1;
    else if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth -= 1;
    else if (character === '\n' && depth <= 0) return at + 1;
  }
  return text.length;
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}

function endOfString(text: string, start: number): number {
  const quote = text[start] ?? '';
  const isLong = text.startsWith(quote.repeat(3), start);
  const mark = isLong ? quote.repeat(3) : quote;
  for (let at = start + mark.length; at < text.length; at += 1) {
    if (quote === '"' && text[at] === '\\') at += 1;
    else if (!isLong && text[at] === '\n') return at;
    else if (text.startsWith(mark, at)) return afterMark(text, at, mark);
  }
  return text.length;
}

/** Up to two quotes may stand right before the three that close a long string. */
function afterMark(text: string, at: number, mark: string): number {
  let end = at + mark.length;
  while (mark.length === 3 && end - at < 5 && text[end] === mark[0]) end += 1;
  return end;
}

/** The names of a header line, read by the real parser. */
function pathOf(header: string): string[] {
  const path: string[] = [];
  let table: unknown = parse(header);
  while (typeof table === 'object' && table !== null) {
    const [name] = Object.keys(table);
    if (name === undefined) break;
    if (!Array.isArray(table)) path.push(name);
    table = Object.values(table)[0];
  }
  return path;
}

/** One table with its pairs, each on a line of its own; tables in it are written inline. */
export function tableText(path: readonly string[], pairs: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(pairs).map(([key, value]) => `${keyText(key)} = ${valueText(value)}\n`);
  return `[${path.map(keyText).join('.')}]\n${lines.join('')}`;
}

function keyText(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : stringText(key);
}

function valueText(value: unknown): string {
  if (typeof value === 'string') return stringText(value);
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const members = Object.entries(value).map(([key, member]) => `${keyText(key)} = ${valueText(member)}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}

/** JSON's escapes are all TOML's too; DEL is the one character TOML wants escaped and JSON does not. */
function stringText(text: string): string {
  return JSON.stringify(text).replaceAll('\x7f', '\\u007f');
}
