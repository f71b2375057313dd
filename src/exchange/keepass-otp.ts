// The one-time passwords of KeePass, which several programs keep in several ways, as one otpauth:// address each.
// Sources: keepass.info/help/base/placeholders.html#otp (TimeOtp-*), KeePassXC (otp), KeeOtp (key=…&step=…) and
// KeeTrayTOTP (TOTP Seed, TOTP Settings); the address is that of github.com/google/google-authenticator, "Key Uri Format".

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Names of the fields that belong to one-time passwords, and are no fields of their own. */
export const OTP_FIELDS = new Set([
  'otp',
  'TimeOtp-Secret',
  'TimeOtp-Secret-Hex',
  'TimeOtp-Secret-Base32',
  'TimeOtp-Secret-Base64',
  'TimeOtp-Length',
  'TimeOtp-Period',
  'TimeOtp-Algorithm',
  'TOTP Seed',
  'TOTP Settings',
]);

interface Settings {
  readonly digits?: string | undefined;
  readonly period?: string | undefined;
  readonly algorithm?: string | undefined;
}

/** The address, or '' when the fields hold no secret. `text` gives a field by name, '' when it is not there. */
export function otpAddress(text: (name: string) => string): string {
  const otp = text('otp').trim();
  if (/^otpauth:\/\//i.test(otp)) return otp;
  if (/^key=/i.test(otp)) {
    const said = new URLSearchParams(otp);
    const settings = { digits: said.get('size') ?? undefined, period: said.get('step') ?? undefined };
    return address(said.get('key') ?? '', settings);
  }
  return otp === '' ? addressOfFields(text) : address(otp, {});
}

function addressOfFields(text: (name: string) => string): string {
  const seed = text('TOTP Seed');
  if (seed !== '') {
    const [period, digits] = text('TOTP Settings').split(';');
    // `S` for Steam, whose letters an address cannot ask for.
    return address(seed, { period, digits: /^\d+$/.test(digits ?? '') ? digits : undefined });
  }
  return address(timeOtpSecret(text), {
    digits: text('TimeOtp-Length'),
    period: text('TimeOtp-Period'),
    algorithm: text('TimeOtp-Algorithm').replace(/^HMAC-SHA-/i, 'SHA'),
  });
}

function timeOtpSecret(text: (name: string) => string): string {
  const base32 = text('TimeOtp-Secret-Base32');
  if (base32 !== '') return base32;
  for (const [name, encoding] of [
    ['TimeOtp-Secret', 'utf8'],
    ['TimeOtp-Secret-Hex', 'hex'],
    ['TimeOtp-Secret-Base64', 'base64'],
  ] as const) {
    const written = text(name);
    if (written !== '') return toBase32(Buffer.from(written, encoding));
  }
  return '';
}

function address(secret: string, { digits, period, algorithm }: Settings): string {
  const base32 = secret.replaceAll(/[\s=-]/g, '').toUpperCase();
  if (base32 === '') return '';
  const query = new URLSearchParams({ secret: base32 });
  // Those that are as everywhere are not written.
  if (digits !== undefined && /^\d+$/.test(digits) && digits !== '6') query.set('digits', digits);
  if (period !== undefined && /^\d+$/.test(period) && period !== '30') query.set('period', period);
  if (algorithm !== undefined && /^SHA\d+$/i.test(algorithm) && algorithm !== 'SHA1') query.set('algorithm', algorithm);
  return `otpauth://totp/KeePass?${query.toString()}`;
}

/** RFC 4648, section 6, without padding. */
function toBase32(bytes: Buffer): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += BASE32[(held >>> (bits - 5)) & 31];
    held &= 0xff;
  }
  return bits === 0 ? text : text + BASE32[(held << (5 - bits)) & 31];
}
