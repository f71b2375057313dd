// The last step of every source: bytes that were found become a value, or are refused.

import { Failure } from '../core/failure.ts';
import { FIELD_BYTES_MAX } from '../core/item.ts';
import type { SecretReference } from '../core/reference.ts';
import { Secret } from '../core/secret.ts';

/**
 * A value from a copy of `bytes`. Throws `source/not_found` when there are none, since a program or a server that fails
 * half-way gives nothing too; `source/failed` past FIELD_BYTES_MAX.
 */
export function valueOf(bytes: Buffer, reference: SecretReference): Secret {
  if (bytes.length === 0) throw new Failure('source/not_found', `${nameOf(reference)} is empty in its source`);
  if (bytes.length > FIELD_BYTES_MAX) {
    throw new Failure('source/failed', `${nameOf(reference)} is longer than ${FIELD_BYTES_MAX} bytes`);
  }
  return new Secret(Buffer.from(bytes));
}

/** `op://team/db/password`, for messages. */
export function nameOf({ vault, item, section, field }: SecretReference): string {
  return `op://${[vault, item, ...(section === null ? [] : [section]), field].join('/')}`;
}

/**
 * The path of an item below a prefix: the item, and the section as one more step, since a reference has no slash inside a
 * name. Throws `source/not_found` for `.` and `..`, which would lead elsewhere.
 */
export function pathOf(prefix: string, reference: SecretReference): string {
  const { item, section } = reference;
  const steps = section === null ? [item] : [item, section];
  if (steps.some((step) => step === '.' || step === '..')) {
    throw new Failure('source/not_found', `${nameOf(reference)} has a name that is no name in its source`);
  }
  return [...(prefix === '' ? [] : [prefix]), ...steps].join('/');
}
