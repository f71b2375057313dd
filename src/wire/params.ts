// From the `params` of a message to what a handler may trust: the shape of the table, and strings that every system
// call takes as they are.

import type { z } from 'zod';
import { Failure } from '../core/failure.ts';
import { METHODS, type MethodName, type Params } from './methods.ts';

const FIELD_CHARACTERS_MAX = 200;

type Path = readonly PropertyKey[];

/** Throws `input/invalid` that names the argument, never what stood in it. */
export function parseParams<M extends MethodName>(method: M, params: unknown): Params<M> {
  const schema: z.ZodType = METHODS[method].params;
  const parsed = schema.safeParse(params ?? {});
  if (!parsed.success) throw asFailure(parsed.error);
  refuseOddStrings(parsed.data, []);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema is the row's own
  return parsed.data as Params<M>;
}

function asFailure(error: z.ZodError): Failure {
  const issue = error.issues[0];
  if (issue === undefined) return invalid([], 'is not valid');
  if (issue.code === 'unrecognized_keys') return invalid([...issue.path, issue.keys[0] ?? ''], 'is not an argument');
  return invalid(issue.path, wordsOf(issue));
}

/** A limit in our words; the rest is a program's mistake and may be said in the schema's. */
function wordsOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'too_big') return `is not valid (${issue.message})`;
  const units: Readonly<Record<string, string>> = { string: ' characters', array: ' entries' };
  const unit = units[issue.origin] ?? '';
  return unit === '' ? `is more than ${issue.maximum}` : `has more than ${issue.maximum}${unit}`;
}

/** NUL ends a string for the system, and half a surrogate pair is not text: what is shown would not be what is used. */
function refuseOddStrings(value: unknown, path: Path): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw invalid(path, 'has a NUL character in it');
    if (!value.isWellFormed()) throw invalid(path, 'is not well-formed Unicode');
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) refuseOddStrings(item, [...path, index]);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      refuseOddStrings(key, [...path, key]);
      refuseOddStrings(item, [...path, key]);
    }
  }
}

function invalid(path: Path, why: string): Failure {
  const field = fieldOf(path);
  return new Failure('input/invalid', `${field} ${why}`, { field });
}

/** `drafts[0].name`. Keys are the caller's words, so they are escaped and cut before anybody shows them. */
function fieldOf(path: Path): string {
  const text = path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${escape(String(step))}`))
    .join('')
    .replace(/^\./, '');
  return text === '' ? 'params' : text.slice(0, FIELD_CHARACTERS_MAX);
}

function escape(key: string): string {
  const head = key.slice(0, FIELD_CHARACTERS_MAX);
  return head.replaceAll(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
