// Tokens of several pieces: a JWT, what stands behind `Basic` and `Bearer`, and words with something between them, such as
// the two halves of an AWS key.

import { copied, isDigit, isLetter, isSpace } from './lines.ts';
import { splitBy, type Part } from './taking-apart.ts';

/** How every JWT begins: `{"` in base64. */
const JWT_START = Buffer.from('eyJ', 'latin1');
/** A shorter payload is one of the few that everybody has. */
const PAYLOAD_BYTES_MIN = 24;

/** Of a JWT (RFC 7519) the signature, and the payload when it is long; the header is that of many. */
export function tokenParts(value: Buffer): Part[] | undefined {
  if (!value.subarray(0, JWT_START.length).equals(JWT_START)) return undefined;
  const pieces = splitBy(value, (byte) => byte === 0x2e);
  if (pieces.length !== 3 || !pieces.every((piece) => piece.every(isOfBase64))) return undefined;
  const [payload, signature] = [pieces[1]!, pieces[2]!];
  const parts: Part[] = [{ bytes: signature, certainty: 'secret', isCopy: false }];
  if (payload.length >= PAYLOAD_BYTES_MIN) parts.push({ bytes: payload, certainty: 'secret', isCopy: false });
  return parts;
}

function isOfBase64(byte: number): boolean {
  return (
    isLetter(byte) || isDigit(byte) || byte === 0x2d || byte === 0x5f || byte === 0x2b || byte === 0x2f || byte === 0x3d
  );
}

const SCHEMES = ['Basic', 'Bearer', 'Token', 'token', 'ApiKey', 'Negotiate'].map((word) => Buffer.from(word, 'latin1'));

/** What stands behind the scheme of an `Authorization` header (RFC 9110, 11.4); of `Basic` also the password in it. */
export function bearerParts(value: Buffer): Part[] | undefined {
  const words = splitBy(value, isSpace).filter(({ length }) => length > 0);
  const start = words[0]?.equals(Buffer.from('Authorization:', 'latin1')) === true ? 1 : 0;
  if (words.length !== start + 2) return undefined;
  const [scheme, bytes] = [words[start]!, words[start + 1]!];
  if (!SCHEMES.some((known) => scheme.equals(known))) return undefined;
  const parts: Part[] = [{ bytes, certainty: 'secret', isCopy: false }];
  return scheme.equals(SCHEMES[0]!) ? [...parts, ...passwordIn(bytes)] : parts;
}

/** Of `user:password` in base64 the password. */
function passwordIn(text: Buffer): Part[] {
  const decoded = base64Decoded(text);
  const colon = decoded.indexOf(0x3a);
  const parts: Part[] =
    colon < 0 ? [] : [{ bytes: copied(decoded.subarray(colon + 1)), certainty: 'secret', isCopy: true }];
  decoded.fill(0);
  return parts;
}

function base64Decoded(text: Buffer): Buffer {
  const decoded = Buffer.alloc(text.length);
  let [bits, width, end] = [0, 0, 0];
  for (const byte of text) {
    const six = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.indexOf(String.fromCharCode(byte));
    if (six < 0) break;
    bits = ((bits << 6) | six) & 0xffff;
    width += 6;
    if (width < 8) continue;
    width -= 8;
    decoded[end++] = bits >> width;
  }
  return decoded.subarray(0, end);
}

/** Which words stand between spaces, colons, commas, semicolons or bars. */
const BETWEEN_WORDS = new Set(Buffer.from(' \t\r\n:,;|', 'latin1'));
/** A user's name is not longer. */
const NAME_BYTES_MAX = 64;
/** How ids of AWS keys begin; 16 letters and digits follow. */
const AWS_STARTS = ['AKIA', 'ASIA'].map((start) => Buffer.from(start, 'latin1'));
const AWS_ID_BYTES = 20;

/** `user:password`, and an AWS key id with its key. */
export function wordParts(value: Buffer): Part[] | undefined {
  const words = splitBy(value, (byte) => BETWEEN_WORDS.has(byte));
  if (words.length < 2) return undefined;
  const isAws = words.some(
    (word) => word.length === AWS_ID_BYTES && AWS_STARTS.some((start) => word.indexOf(start) === 0),
  );
  if (isAws) return words.map((bytes) => ({ bytes, certainty: 'doubtful', isCopy: false }));
  const colon = value.indexOf(0x3a);
  const isUser = colon > 0 && colon <= NAME_BYTES_MAX && value.subarray(0, colon).every(isOfUser);
  return isUser ? [{ bytes: value.subarray(colon + 1), certainty: 'doubtful', isCopy: false }] : undefined;
}

function isOfUser(byte: number): boolean {
  return isLetter(byte) || isDigit(byte) || byte === 0x2d || byte === 0x5f || byte === 0x2e || byte === 0x40;
}
