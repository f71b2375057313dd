// What is handed over of a field, made from its value.

import type { ValueForm } from './reference.ts';

/** A buffer of its own; the caller wipes both. `nowMs`: wall clock, for one-time passwords. Rejects with `input/invalid`. */
export async function applyForm(value: Buffer, form: ValueForm, nowMs: number): Promise<Buffer> {
  void nowMs;
  if (form === 'value') return Buffer.from(value);
  throw new Error('not yet');
}
