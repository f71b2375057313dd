// One member of a JSON file that people write comments into, set or taken out, with every other byte as it was.

import { isDeepStrictEqual } from 'node:util';
import { parseSpans, stringBytes, type Member, type Span } from '../../core/json-spans.ts';

export type Members = Record<string, unknown>;
type ObjectSpan = Extract<Span, { kind: 'object' }>;

/** What stands in the text, with comments and trailing commas left out; null when that is no object. */
export function readMembers(text: string): Members | null {
  const bytes = Buffer.from(text);
  const root = parseSpans(bytes, 'jsonc');
  return root?.kind === 'object' ? membersOf(bytes, root) : null;
}

/**
 * The text with the member `entry` of the object `group` set to `value`, or gone for undefined. Where it is added it comes
 * last, laid out as the file is; taken out again, the file is as before, but for a `group` that was made for it. Returns null
 * when the text, or `group`, is no object. An empty text is taken for an empty object.
 */
export function replaceMember(text: string, [group, entry]: readonly [string, string], value: unknown): string | null {
  if (text.trim() === '')
    return value === undefined ? text : `${JSON.stringify({ [group]: { [entry]: value } }, null, 2)}\n`;
  const bytes = Buffer.from(text);
  const root = parseSpans(bytes, 'jsonc');
  if (root?.kind !== 'object') return null;
  const layout = layoutOf(bytes, root);
  const found = root.members.find(({ key }) => key === group);
  if (found === undefined)
    return value === undefined ? text : added(bytes, root, { key: group, value: { [entry]: value } }, '', layout);
  if (found.value.kind !== 'object') return null;
  const indent = indentAt(bytes, found.start);
  const old = found.value.members.find(({ key }) => key === entry);
  if (value === undefined) return old === undefined ? text : removed(bytes, found.value, old);
  if (old === undefined) return added(bytes, found.value, { key: entry, value }, indent, layout);
  if (isDeepStrictEqual(plainValue(bytes, old.value), value)) return text;
  return spliced(bytes, [[old.value.start, old.value.end, valueText(value, indentAt(bytes, old.start), layout)]]);
}

interface Layout {
  readonly unit: string;
  readonly lineEnd: string;
}

function layoutOf(bytes: Buffer, root: ObjectSpan): Layout {
  const [first] = root.members;
  const lineEnd = bytes.includes('\r\n') ? '\r\n' : '\n';
  return { unit: (first === undefined ? '' : indentAt(bytes, first.start)) || '  ', lineEnd };
}

/** The blanks at the start of the line of `at`. */
function indentAt(bytes: Buffer, at: number): string {
  const line = bytes.subarray(bytes.lastIndexOf('\n', at) + 1, at).toString('utf8');
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

function valueText(value: unknown, indent: string, { unit, lineEnd }: Layout): string {
  return JSON.stringify(value, null, unit).replaceAll('\n', `${lineEnd}${indent}`);
}

/** `indent` is that of the line the object begins on. */
function added(
  bytes: Buffer,
  object: ObjectSpan,
  member: { readonly key: string; readonly value: unknown },
  indent: string,
  layout: Layout,
): string {
  const { lineEnd, unit } = layout;
  const last = object.members.at(-1);
  const isInline = last !== undefined && !bytes.subarray(object.start, object.end).includes('\n');
  const key = JSON.stringify(member.key);
  // Behind whatever stands before the bracket, which may be a comment to the member before.
  const at = blanksBefore(bytes, object.end - 1);
  if (isInline) return spliced(bytes, [[last.value.end, last.value.end, `, ${key}: ${JSON.stringify(member.value)}`]]);
  const inner = indent + unit;
  const text = `${lineEnd}${inner}${key}: ${valueText(member.value, inner, layout)}`;
  const hasLine = bytes.subarray(at, object.end).includes('\n');
  const close = hasLine ? '' : `${lineEnd}${indent}`;
  if (last === undefined) return spliced(bytes, [[at, at, text + close]]);
  if (commaAfter(bytes, last) !== null) return spliced(bytes, [[at, at, `${text},${close}`]]);
  return spliced(bytes, [
    [last.value.end, last.value.end, ','],
    [at, at, text + close],
  ]);
}

function removed(bytes: Buffer, object: ObjectSpan, member: Member): string {
  const start = blanksBefore(bytes, member.start);
  const comma = commaAfter(bytes, member);
  if (comma !== null) return spliced(bytes, [[start, comma + 1, '']]);
  const before = object.members[object.members.indexOf(member) - 1];
  const between = before === undefined ? null : commaAfter(bytes, before);
  if (between !== null)
    return spliced(bytes, [
      [between, between + 1, ''],
      [Math.max(start, between + 1), member.value.end, ''],
    ]);
  const isAlone =
    bytes
      .subarray(object.start + 1, start)
      .toString('utf8')
      .trim() === '';
  return spliced(bytes, [[start, isAlone ? blanksAfter(bytes, member.value.end) : member.value.end, '']]);
}

/** Where the comma behind a member stands, or null; comments may stand between. */
function commaAfter(bytes: Buffer, member: Member): number | null {
  for (let at = member.value.end; ;) {
    at = blanksAfter(bytes, at);
    const two = bytes.subarray(at, at + 2).toString('latin1');
    if (two.startsWith(',')) return at;
    if (two === '//') at = bytes.indexOf('\n', at);
    else if (two === '/*') at = bytes.indexOf('*/', at) + 2;
    else return null;
  }
}

function blanksBefore(bytes: Buffer, at: number): number {
  let start = at;
  while (isBlank(bytes[start - 1])) start -= 1;
  return start;
}

function blanksAfter(bytes: Buffer, at: number): number {
  let end = at;
  while (isBlank(bytes[end])) end += 1;
  return end;
}

/** RFC 8259, section 2. */
function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

/** Each change is a piece from, up to, and what stands there instead; in order. */
function spliced(bytes: Buffer, changes: readonly (readonly [from: number, to: number, text: string])[]): string {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const [from, to, text] of changes) {
    pieces.push(bytes.subarray(at, from), Buffer.from(text));
    at = to;
  }
  return Buffer.concat([...pieces, bytes.subarray(at)]).toString('utf8');
}

function membersOf(bytes: Buffer, { members }: ObjectSpan): Members {
  return Object.fromEntries(members.map(({ key, value }) => [key, plainValue(bytes, value)]));
}

function plainValue(bytes: Buffer, span: Span): unknown {
  switch (span.kind) {
    case 'object':
      return membersOf(bytes, span);
    case 'array':
      return span.items.map((item) => plainValue(bytes, item));
    case 'string':
      return stringBytes(bytes, span)?.toString('utf8') ?? null;
    case 'number':
      return Number(bytes.subarray(span.start, span.end).toString('latin1'));
    case 'true':
    case 'false':
      return span.kind === 'true';
    case 'null':
      return null;
  }
}
