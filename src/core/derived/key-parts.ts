// Keys in PEM: what a key has in common with all others of its kind is no secret, and stands in certificates too.

import { isFrame, joined, linesOf, trimmed } from './lines.ts';
import type { Part } from './taking-apart.ts';

const DASH = 0x2d;

/** What keys of a kind begin with, as base64 from the first byte on, and how many letters behind it are lengths. */
const BEGINNINGS: ReadonlyArray<readonly [letters: string, more: number]> = [
  ['ANBgkqhkiG9w0BAQEFAASC', 19], // RSA in PKCS #8 (RFC 5958)
  ['AKCAQEA', 0], // RSA of 2048 bits in PKCS #1 (RFC 8017)
  ['AKCAgEA', 0], // and of 4096
  ['AgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg', 0], // P-256 in PKCS #8
  ['MC4CAQAwBQYDK2VwBCIEI', 0], // Ed25519
  ['b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAAB', 12], // OpenSSH without a passphrase
];

/** The lines between the frames, from where they differ from those of other keys. */
export function keyParts(value: Buffer): Part[] | undefined {
  const body = bodyOf(value);
  if (body === undefined) return undefined;
  const own = [body[0]!.subarray(knownIn(body[0]!)), ...body.slice(1)];
  return [{ bytes: joined(own, '\n'), certainty: 'secret', isCopy: true }];
}

export function isKey(value: Buffer): boolean {
  return bodyOf(value) !== undefined;
}

function bodyOf(value: Buffer): Buffer[] | undefined {
  if (value[0] !== DASH) return undefined;
  const lines = linesOf(value).map((line) => trimmed(line));
  if (lines.length < 3 || !isFrame(lines[0]!)) return undefined;
  const body = lines.filter((line) => !isFrame(line) && line.length > 0);
  return body.length > 0 ? body : undefined;
}

/** How much of a key's first line every key of its kind begins with. */
function knownIn(line: Buffer): number {
  for (const [letters, more] of BEGINNINGS) {
    const at = line.indexOf(letters);
    if (at >= 0 && at < 32) return at + letters.length + more;
  }
  return 0;
}
