// The one-time password of a moment (TOTP, RFC 6238) from what people keep in an item: the otpauth:// address behind a QR
// code (github.com/google/google-authenticator/wiki/Key-Uri-Format), or the bare seed. The package otpauth does the
// arithmetic, and is loaded only when somebody asks for a password.

import { Failure } from './failure.ts';

interface Source {
  /** Base32 in upper or lower case. */
  readonly seed: string;
  readonly algorithm: string;
  readonly digits: number;
  /** Seconds. */
  readonly period: number;
}

/** An address is some hundred characters long, and so is the longest seed in use (I8). */
const SOURCE_BYTES_MAX = 4096;

/** RFC 4226 asks for six digits or more; ten are all that its 31 bits give. */
const DIGITS_MIN = 6;
const DIGITS_MAX = 10;
const PERIOD_SECONDS_MAX = 24 * 60 * 60;
/** What an address means that does not say otherwise, and a bare seed always. */
const DEFAULTS = { algorithm: 'SHA1', digits: '6', period: '30' } as const;

/** RFC 6238 has SHA1, SHA256 and SHA512; the others are what the package can do besides. */
const ALGORITHM = /^SHA-?(1|224|256|384|512)$/i;
/** At least one byte. RFC 4226 asks for 16, but shorter seeds are in use. */
const SEED = /^[A-Za-z2-7]{2,}=*$/;

/**
 * The password that counts at `nowMs` (milliseconds since 1970), as digits with their leading zeros. `value` is an
 * otpauth://totp/ address or a seed in base32, in any case, with spaces, dashes and padding if need be. The caller wipes
 * what it gets. Throws `input/invalid`.
 */
export async function oneTimePassword(value: Buffer, nowMs: number): Promise<Buffer> {
  const { seed, algorithm, digits, period } = sourceOf(value);
  const { Secret, TOTP } = await import('otpauth');
  const secret = Secret.fromBase32(seed);
  try {
    return Buffer.from(TOTP.generate({ secret, algorithm, digits, period, timestamp: nowMs }), 'latin1');
  } finally {
    secret.bytes.fill(0);
  }
}

function sourceOf(value: Buffer): Source {
  if (value.length > SOURCE_BYTES_MAX) throw unusable();
  // Strings, as the package wants them.
  const text = value.toString('utf8').trim();
  const address = /^otpauth:/i.test(text) ? URL.parse(text) : undefined;
  if (address === null) throw unusable();
  if (address === undefined) return source(text, DEFAULTS.algorithm, DEFAULTS.digits, DEFAULTS.period);
  if (/^hotp$/i.test(address.host)) {
    const hint = 'use a one-time password that goes by the time (TOTP)';
    throw new Failure('input/invalid', 'one-time passwords that count (HOTP) are not made here', { hint });
  }
  if (!/^totp$/i.test(address.host)) throw unusable();
  const parameter = (name: string, otherwise: string): string => {
    const [given = otherwise, ...more] = address.searchParams.getAll(name);
    if (more.length > 0) throw unusable();
    return given;
  };
  return source(
    parameter('secret', ''),
    parameter('algorithm', DEFAULTS.algorithm),
    parameter('digits', DEFAULTS.digits),
    parameter('period', DEFAULTS.period),
  );
}

function source(seedText: string, algorithmText: string, digitsText: string, periodText: string): Source {
  const seed = seedText.replaceAll(/[\s-]/g, '');
  const bits = ALGORITHM.exec(algorithmText)?.[1];
  const digits = wholeNumber(digitsText);
  const period = wholeNumber(periodText);
  const isOrdinary = digits >= DIGITS_MIN && digits <= DIGITS_MAX && period >= 1 && period <= PERIOD_SECONDS_MAX;
  if (!SEED.test(seed) || bits === undefined || !isOrdinary) throw unusable();
  return { seed, algorithm: `SHA${bits}`, digits, period };
}

/** NaN for anything but a few digits. */
function wholeNumber(text: string): number {
  return /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
}

function unusable(): Failure {
  const hint = 'store the otpauth:// address behind the QR code, or the seed in base32';
  return new Failure('input/invalid', 'the value is no source of one-time passwords', { hint });
}
