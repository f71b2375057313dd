// What is handed over of a value: the value itself, or what is made of it (core/reference.ts).

import { Failure } from './failure.ts';
import type { ValueForm } from './reference.ts';

/** A copy, or what is made of the value; the caller wipes it. Throws `input/invalid`, never with the value. */
export async function applyForm(value: Buffer, form: ValueForm, nowMs: number): Promise<Buffer> {
  switch (form) {
    case 'value':
      return Buffer.from(value);
    case 'otp':
      return await oneTimePassword(value, nowMs);
    case 'openssh':
      throw new Failure('input/invalid', 'that form of a key cannot be made yet');
  }
}

async function oneTimePassword(value: Buffer, nowMs: number): Promise<Buffer> {
  const { Secret, TOTP, URI } = await import('otpauth');
  try {
    // The library takes strings only; the seed is in one until it is collected.
    const text = value.toString('utf8').trim();
    const otp = text.startsWith('otpauth://') ? URI.parse(text) : new TOTP({ secret: Secret.fromBase32(text) });
    if (otp instanceof TOTP) return Buffer.from(otp.generate({ timestamp: nowMs }));
  } catch {
    // What the library says may quote the seed.
  }
  throw new Failure('input/invalid', 'the field holds no one-time password that goes by time');
}
