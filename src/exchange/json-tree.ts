// JSON of others, looked at with care: whatever is not of the expected kind counts as absent. JSON.parse makes strings of
// the values, which cannot be wiped; docs/import-export.md says so.

import { isUtf8 } from 'node:buffer';
import { Failure } from '../core/failure.ts';
import { markLength } from '../core/place.ts';

/** Just below the longest string V8 makes (2^29 - 24 characters). */
export const JSON_BYTES_MAX = 500 * 1024 * 1024;

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The object that `bytes` hold. Throws `import/damaged` when they are not one, without a word of them: the message of
 * JSON.parse would quote the text. V8 does not recurse here, so nesting has no depth that would matter.
 */
export function parseJsonObject(bytes: Buffer, what: string): JsonObject {
  if (bytes.length > JSON_BYTES_MAX) throw new Failure('input/too_large', `${what} is larger than 500 MiB`);
  if (!isUtf8(bytes)) throw damaged(`${what} is not UTF-8`);
  let data: unknown;
  try {
    data = JSON.parse(bytes.toString('utf8', markLength(bytes)));
  } catch {
    throw damaged(`${what} is not JSON, or ends too early`);
  }
  if (!isObject(data)) throw damaged(`${what} is not a JSON object`);
  return data;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The member, if it is an object; else an empty one. */
export function objectAt(from: JsonObject, name: string): JsonObject {
  const value = own(from, name);
  return isObject(value) ? value : {};
}

/** The objects of a list; what else is in it is left out. */
export function objectsAt(from: JsonObject, name: string): readonly JsonObject[] {
  return listAt(from, name).filter((value) => isObject(value));
}

/** The strings of a list; what else is in it is left out. */
export function textsAt(from: JsonObject, name: string): readonly string[] {
  return listAt(from, name).filter((value) => typeof value === 'string');
}

/** The member as `scalarText` has it. */
export function textAt(from: JsonObject, name: string): string {
  return scalarText(own(from, name));
}

/** Strings, numbers and booleans as they are written; '' for all else. */
export function scalarText(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

export function listAt(from: JsonObject, name: string): readonly unknown[] {
  const value = own(from, name);
  return Array.isArray(value) ? value : [];
}

/** Never what every object inherits. */
export function own(from: JsonObject, name: string): unknown {
  return Object.hasOwn(from, name) ? from[name] : undefined;
}

function damaged(message: string): Failure {
  return new Failure('import/damaged', message);
}
