// What is made of a field's value before it is handed over, as its reference asks.

import type { ValueForm } from './reference.ts';

/**
 * A buffer of its own, which the caller wipes; `value` stays. `nowMs` is in milliseconds since 1970. Throws
 * `input/invalid` for a value that cannot have that form.
 */
export async function applyForm(value: Buffer, form: ValueForm, nowMs: number): Promise<Buffer> {
  switch (form) {
    case 'value':
      return Buffer.from(value);
    case 'otp':
      return await (await import('./one-time-password.ts')).oneTimePassword(value, nowMs);
    case 'openssh':
      return (await import('./openssh.ts')).opensshPrivateKey(value);
  }
}
