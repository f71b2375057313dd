// An env file as `op run --env-file` reads it: first as a dotenv file (core/dotenv-read.ts), with variables from its own
// lines above and from the environment, then each value as a template (core/template.ts) whose references are filled
// later, when somebody allowed it. docs/references.md is the manual.

import type { DotenvEntry } from './dotenv.ts';
import { VALUE_BYTES_MAX } from './environment.ts';
import { Failure } from './failure.ts';
import { readDotenv, type Surroundings } from './dotenv-read.ts';
import { formatReference, parseReference, REFERENCE_LENGTH_MAX, type SecretReference } from './reference.ts';
import { schemeAt } from './reference-text.ts';
import {
  PIECES_MAX,
  TEMPLATE_REFERENCES_MAX,
  fillTemplate,
  parseTemplate,
  type ReferenceValues,
  type Template,
} from './template.ts';

export interface EnvFileEntry {
  readonly name: string;
  /** Views of a buffer that only this entry has; `wipeEnvFile` overwrites it. */
  readonly value: Template;
  /** Where the name stands, from 1. */
  readonly line: number;
}

/**
 * What a file sets, in its order; of equal names the last counts. Throws `dotenv/invalid` with line and column,
 * `template/invalid` with the line of the variable and the character of its value, and `input/too_large`.
 */
export function readEnvFile(file: Buffer, environment: Surroundings): EnvFileEntry[] {
  const entries = readDotenv(file, environment);
  try {
    return templatesOf(entries);
  } catch (thrown) {
    for (const { value } of entries) value.fill(0);
    throw thrown;
  }
}

function templatesOf(entries: readonly DotenvEntry[]): EnvFileEntry[] {
  const references = new Set<string>();
  let pieces = 0;
  return entries.map(({ name, value, line }) => {
    const template = valueAt(line, value);
    for (const reference of template.references) references.add(formatReference(reference));
    pieces += template.pieces.length;
    // One value may be put into many others, so those of one template are not enough of a limit.
    if (pieces <= PIECES_MAX && references.size <= TEMPLATE_REFERENCES_MAX) return { name, line, value: template };
    const message = `line ${line}: more than ${TEMPLATE_REFERENCES_MAX} references, or too many pieces of values`;
    throw new Failure('input/too_large', message, { hint: 'split the file' });
  });
}

/** Every reference of the entries, each once, in the order of the first time. */
export function referencesOf(entries: readonly EnvFileEntry[]): SecretReference[] {
  const all = entries.flatMap(({ value }) => value.references);
  return [...new Map(all.map((reference) => [formatReference(reference), reference])).values()];
}

/**
 * The value of a variable with its references filled, as a buffer of its own, which the caller wipes. Throws
 * `input/too_large`, and `input/invalid` for a value with a NUL byte, which no environment can hold.
 */
export function fillEntry({ name, value }: EnvFileEntry, values: ReferenceValues): Buffer {
  const filled = fillTemplate(value, values);
  if (filled.length <= VALUE_BYTES_MAX && !filled.includes(0)) return filled;
  const isLarge = filled.length > VALUE_BYTES_MAX;
  filled.fill(0);
  if (isLarge) throw new Failure('input/too_large', `${name}: a value has at most ${VALUE_BYTES_MAX} bytes`);
  throw new Failure('input/invalid', `${name}: a value with a NUL byte cannot be in an environment`);
}

/** Overwrites the text of the entries. */
export function wipeEnvFile(entries: Iterable<EnvFileEntry>): void {
  for (const { value } of entries) for (const piece of value.pieces) if (piece.kind === 'text') piece.bytes.fill(0);
}

/**
 * The value of a variable: one reference and nothing else, in which there may be spaces then, or a template. Variables
 * are not replaced any more: those that are meant were, and in single quotes none is. Throws `template/invalid`.
 */
export function parseValue(value: Buffer): Template {
  const whole = wholeReference(value);
  if (whole === undefined) return parseTemplate(value, null);
  const place = { at: 0, line: 1, column: 1 };
  return { pieces: [{ kind: 'reference', reference: whole, place }], references: [whole] };
}

function wholeReference(value: Buffer): SecretReference | undefined {
  if (schemeAt(value, 0) === undefined || value.length > REFERENCE_LENGTH_MAX) return undefined;
  try {
    return parseReference(value.toString('latin1'));
  } catch {
    // It may still begin with one, and parseTemplate has the better error.
    return undefined;
  }
}

function valueAt(line: number, value: Buffer): Template {
  try {
    return parseValue(value);
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    const { code, message, hint } = thrown;
    throw new Failure(code, `the value of line ${line}: ${message}`, { hint });
  }
}
