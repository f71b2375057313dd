// CSV files of other managers and of people: a first row of heads, and an item in each row below. csv-parse hands cells
// over as Buffers, so that values do not become strings.

import { isUtf8 } from 'node:buffer';
import { CsvError } from 'csv-parse';
import { parse } from 'csv-parse/sync';
import { markLength } from '../core/place.ts';
import { Failure } from '../core/failure.ts';
import { FIELD_BYTES_MAX, ITEMS_MAX } from '../core/item.ts';
import { areHeads, rolesOf, type About, type ColumnRole } from './csv-columns.ts';
import type { ImportedVault } from './imported.ts';
import { ItemDraft, VaultDraft } from './item-draft.ts';

export const CSV_BYTES_MAX = 256 * 1024 * 1024;
/** Of one row: all its cells, quotes and all. */
const ROW_BYTES_MAX = 16 * FIELD_BYTES_MAX;
const COLUMNS_MAX = 1_000;
const DELIMITERS = [',', ';', '\t'] as const;
/** Of UTF-16. */
const MARK_BYTES = 2;
/** Of Bitwarden; another one is a tag. */
const KNOWN_TYPE = /^(?:login|note|secure note)$/i;
/** LastPass writes this as the address of a secure note. */
const LASTPASS_NOTE = 'http://sn';

interface Sheet {
  readonly roles: readonly ColumnRole[];
  readonly rows: readonly (readonly Buffer[])[];
}

/**
 * The items of a CSV file in UTF-8, or in UTF-16 with a byte order mark. Throws `import/format` when the first row has
 * no heads, `import/damaged` with the row, `input/too_large` past a limit.
 */
export function readCsv(bytes: Buffer): ImportedVault[] {
  if (bytes.length > CSV_BYTES_MAX) throw new Failure('input/too_large', 'this CSV file is larger than 256 MiB');
  const text = asUtf8(bytes);
  try {
    return readSheet(sheetOf(text));
  } finally {
    if (isUtf16(bytes)) text.fill(0);
  }
}

/** Whether the first row of a file is one of heads. */
export function isCsv(bytes: Buffer): boolean {
  try {
    return delimiterOf(asUtf8(bytes.subarray(0, 64 * 1024), true)) !== null;
  } catch {
    return false;
  }
}

// --- rows to items -------------------------------------------------------------------------------------------------

function readSheet({ roles, rows }: Sheet): ImportedVault[] {
  const vaults = new Map<string, VaultDraft>();
  for (const [k, row] of rows.entries()) {
    const name = cellOf(roles, row, 'vault');
    const vault = vaults.get(name) ?? new VaultDraft(name);
    vaults.set(name, vault);
    // As people count: the heads are row 1.
    if (row.length === roles.length) vault.take(readRow(roles, row, k + 2));
    else vault.skip(`row ${k + 2}`, 'uneven-row');
    for (const cell of row) cell.fill(0);
  }
  return [...vaults.values()].map((vault) => vault.finish());
}

function readRow(roles: readonly ColumnRole[], row: readonly Buffer[], place: number): ItemDraft {
  const url = cellOf(roles, row, 'url');
  const title = cellOf(roles, row, 'title') || hostOf(url) || `row ${place}`;
  const isNote = url === LASTPASS_NOTE || /^(?:secure )?note$/i.test(cellOf(roles, row, 'type'));
  const draft = new ItemDraft(title, isNote ? 'secure-note' : 'login');
  draft.isArchived = /^(?:true|1|yes)$/i.test(cellOf(roles, row, 'archived'));
  for (const [k, role] of roles.entries()) addCell(draft, role, row[k] ?? Buffer.alloc(0));
  if (draft.size === 0) draft.refuse('row-without-value');
  return draft;
}

function addCell(draft: ItemDraft, role: ColumnRole, cell: Buffer): void {
  switch (role.kind) {
    case 'field':
      draft.add(role.label, role.type, Buffer.from(cell));
      return;
    case 'url':
      for (const url of urlsOf(cell.toString())) draft.addNext('website', 'url', url);
      return;
    case 'tags':
      for (const tag of role.isList ? cell.toString().split(/[,;]/) : [cell.toString()]) draft.tag(tag);
      return;
    case 'pairs':
      addPairs(draft, cell.toString());
      return;
    case 'about':
      if (role.what === 'type' && !KNOWN_TYPE.test(cell.toString())) draft.tag(cell.toString());
      return;
    case 'ignored':
      return;
  }
}

/** Bitwarden puts several addresses into one cell; other commas belong to an address. */
function urlsOf(cell: string): readonly string[] {
  if (cell === LASTPASS_NOTE) return [];
  return cell.split(/,(?=[a-z][\w+.-]*:\/\/)|\n/i).map((url) => url.trim());
}

/** Bitwarden's custom fields, one `name: value` a line; a line without a colon goes on with the value before. */
function addPairs(draft: ItemDraft, text: string): void {
  const pairs: [name: string, value: string][] = [];
  for (const line of text === '' ? [] : text.split(/\r?\n/)) {
    const colon = line.indexOf(': ');
    const last = pairs.at(-1);
    if (colon > 0) pairs.push([line.slice(0, colon), line.slice(colon + 2)]);
    else if (last === undefined) pairs.push(['field', line]);
    else last[1] += `\n${line}`;
  }
  for (const [name, value] of pairs) draft.add(name, 'password', value);
}

function cellOf(roles: readonly ColumnRole[], row: readonly Buffer[], what: About | 'url'): string {
  const k = roles.findIndex((role) => (role.kind === 'about' ? role.what : role.kind) === what);
  return k < 0 ? '' : (row[k]?.toString() ?? '');
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : '';
}

// --- bytes to rows -------------------------------------------------------------------------------------------------

function sheetOf(text: Buffer): Sheet {
  const delimiter = delimiterOf(text);
  if (delimiter === null) {
    throw new Failure('import/format', 'the first row of this CSV file does not name its columns', {
      hint: 'make it name,url,username,password,notes,otp in any order; title or url must be among them',
    });
  }
  const [heads = [], ...rows] = rowsOf(text, delimiter);
  if (rows.length > ITEMS_MAX) throw new Failure('input/too_large', `a CSV file has at most ${ITEMS_MAX} rows`);
  return { roles: rolesOf(heads.map((head) => head.toString())), rows };
}

/** The one that makes heads of the first row. */
function delimiterOf(text: Buffer): string | null {
  const end = text.indexOf(0x0a);
  const first = end < 0 ? text : text.subarray(0, end + 1);
  for (const delimiter of DELIMITERS) {
    const [row = []] = tryRows(first, delimiter);
    if (row.length <= COLUMNS_MAX && areHeads(row.map((head) => head.toString()))) return delimiter;
  }
  return null;
}

function tryRows(text: Buffer, delimiter: string): Buffer[][] {
  try {
    return rowsOf(text, delimiter);
  } catch {
    return [];
  }
}

function rowsOf(text: Buffer, delimiter: string): Buffer[][] {
  try {
    const rows: unknown[] = parse(text, {
      delimiter,
      // Which makes Buffers of the cells.
      encoding: null,
      max_record_size: ROW_BYTES_MAX,
      relax_column_count: true,
      skip_empty_lines: true,
      to: ITEMS_MAX + 2,
    });
    return rows.map((row) => (Array.isArray(row) ? row.filter((cell) => Buffer.isBuffer(cell)) : []));
  } catch (error) {
    throw damagedRow(error);
  }
}

/** Its messages quote the row; its numbers do not. */
function damagedRow(error: unknown): Failure {
  const records = error instanceof CsvError ? Number(error.records) : Number.NaN;
  const place = Number.isSafeInteger(records) ? `row ${records + 1}` : 'a row';
  return new Failure('import/damaged', `${place} of this CSV file is not well formed, or too large`, {
    hint: 'look for a quote that is not closed or not doubled',
  });
}

/** A copy when it was UTF-16, else a view. `isStart`: a character may be cut at the end. */
function asUtf8(bytes: Buffer, isStart = false): Buffer {
  if (isUtf16(bytes)) {
    const little = Buffer.from(bytes.subarray(MARK_BYTES, bytes.length - (bytes.length % 2)));
    if (bytes[0] === 0xfe) little.swap16();
    const text = Buffer.from(little.toString('utf16le'), 'utf8');
    little.fill(0);
    return text;
  }
  // Not left to csv-parse, which makes strings of all cells once it sees the mark.
  if (isStart || isUtf8(bytes)) return bytes.subarray(markLength(bytes));
  throw new Failure('import/damaged', 'this CSV file is not UTF-8', { hint: 'save it as UTF-8, then import it' });
}

function isUtf16([first, second]: Buffer): boolean {
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
}
