// Values of a dotenv file that are settings and not secrets: switches, small numbers, the names of stages. Imported as
// plain, since hiding `true` or `3000` in output would hide half of it. Works on bytes: the others never become a string.

import { looksLikeSecret } from './plain-values.ts';

const WORDS = new Set(
  `true false yes no on off 0 1 development production staging test testing local localhost dev prod debug info warn
  warning error trace silent verbose none null utf-8 utf8 en us eu 127.0.0.1 0.0.0.0 ::1`.split(/\s+/),
);
/** A port, a timeout, a size. Longer numbers could be a code or an account. */
const DIGITS_MAX = 5;
const WORD_BYTES_MAX = 16;

/** Whether a value of that name may be kept in the open. The name decides first: `PIN=1234` may not. */
export function isOrdinary(name: string, value: Buffer): boolean {
  if (value.length > WORD_BYTES_MAX || looksLikeSecret(name, '1')) return false;
  if (value.length === 0) return true;
  const isNumber = value.length <= DIGITS_MAX && value.every((byte) => byte >= 0x30 && byte <= 0x39);
  return isNumber || [...WORDS].some((word) => value.equals(Buffer.from(word)));
}
