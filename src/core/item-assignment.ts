// How people write a field on the command line: `[section.]field[[type]]=VALUE`, as `op item create` has it.

import { Failure } from './failure.ts';
import { FIELD_TYPES, type FieldType } from './item.ts';

/** Where the value comes from. `asked`: nothing was written, so it is typed at the terminal. */
export type AssignedValue =
  | { readonly from: 'text'; readonly text: string }
  | { readonly from: 'stdin' }
  | { readonly from: 'terminal' };

export type Assignment =
  | {
      readonly kind: 'field';
      readonly section: string | null;
      readonly field: string;
      /** null when none was written. */
      readonly type: FieldType | null;
      readonly value: AssignedValue;
    }
  /** `name` is null for the name the file has at `path`. */
  | { readonly kind: 'file'; readonly section: string | null; readonly name: string | null; readonly path: string }
  | { readonly kind: 'delete'; readonly section: string | null; readonly field: string };

const TYPE = /\[([A-Za-z]*)\]$/;
/** What a backslash may stand before in a name. Values are taken as they are. */
const ESCAPED = new Set(['.', '=', '[', '\\']);
const SECTION_END = '.';
const NAME_END = '=';

/**
 * Reads one assignment. Throws `input/invalid` with `field` as its field; the text is not repeated, for it may hold a
 * value.
 */
export function parseAssignment(text: string, field = 'assignment'): Assignment {
  const { letters, rest } = nameOf(text, field);
  const { name, type } = typeOf(letters, field);
  const { section, label } = sectionOf(name, field);
  if (type === 'file') {
    if (rest === null || rest === '') throw invalid('a file needs its path', field, 'write name[file]=PATH');
    return { kind: 'file', section, name: label === '' ? null : label, path: rest };
  }
  if (label === '') throw invalid('a field needs a name', field);
  if (type === 'delete') {
    if (rest !== null && rest !== '') throw invalid('what is deleted gets no value', field);
    return { kind: 'delete', section, field: label };
  }
  return { kind: 'field', section, field: label, type, value: valueOf(rest) };
}

/** One letter of a name; `isEscaped` when a backslash stood before it. */
interface Letter {
  readonly letter: string;
  readonly isEscaped: boolean;
}

/** What stands before the first `=` that is not escaped, and after it; null without one. */
function nameOf(text: string, field: string): { letters: Letter[]; rest: string | null } {
  const letters: Letter[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at] ?? '';
    if (letter === NAME_END) return { letters, rest: text.slice(at + 1) };
    if (letter !== '\\') {
      letters.push({ letter, isEscaped: false });
      continue;
    }
    at += 1;
    const escaped = text[at] ?? '';
    if (!ESCAPED.has(escaped)) {
      throw invalid('a backslash in a name stands before . = [ or another backslash', field);
    }
    letters.push({ letter: escaped, isEscaped: true });
  }
  return { letters, rest: null };
}

function typeOf(letters: readonly Letter[], field: string): { name: readonly Letter[]; type: TypeWord | null } {
  // An escaped letter is none of the grammar, so that `a\[text]` is a name.
  const shape = letters.map(({ letter, isEscaped }) => (isEscaped ? 'x' : letter)).join('');
  const found = TYPE.exec(shape);
  if (found === null) return { name: letters, type: null };
  const word = TYPE_WORDS.find((known) => known === found[1]);
  if (word === undefined) {
    throw invalid(
      'that is not a type of field',
      field,
      `choose ${TYPE_WORDS.join(', ')}; a backslash stands before a bracket that belongs to a name`,
    );
  }
  return { name: letters.slice(0, found.index), type: word };
}

const TYPE_WORDS = [...FIELD_TYPES, 'file', 'delete'] as const;
type TypeWord = (typeof TYPE_WORDS)[number];

function sectionOf(name: readonly Letter[], field: string): { section: string | null; label: string } {
  const ends = name.flatMap(({ letter, isEscaped }, i) => (letter === SECTION_END && !isEscaped ? [i] : []));
  const [end, second] = ends;
  if (second !== undefined)
    throw invalid(
      'a name has one period, between section and field',
      field,
      'a backslash stands before a period that belongs to a name',
    );
  if (end === undefined) return { section: null, label: textOf(name) };
  const section = textOf(name.slice(0, end));
  if (section === '')
    throw invalid('a section needs a name', field, 'a backslash stands before a period that belongs to a name');
  return { section, label: textOf(name.slice(end + 1)) };
}

function textOf(letters: readonly Letter[]): string {
  return letters.map(({ letter }) => letter).join('');
}

function valueOf(rest: string | null): AssignedValue {
  if (rest === null) return { from: 'terminal' };
  return rest === '-' ? { from: 'stdin' } : { from: 'text', text: rest };
}

function invalid(message: string, field: string, hint = 'write [section.]field[type]=VALUE'): Failure {
  return new Failure('input/invalid', message, { field, hint });
}

/** The name part of an assignment, which `parseAssignment` reads back. */
export function assignmentName(section: string | null, field: string): string {
  return [...(section === null ? [] : [section]), field].map((name) => name.replaceAll(/[.=[\\]/g, '\\$&')).join('.');
}
