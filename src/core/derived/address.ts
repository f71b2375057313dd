// Addresses with secrets in them: `postgres://user:password@host/name?sslmode=require`, a hook with its token in the path.

import { isDigit, isLetter, isSpace } from './lines.ts';
import { isSecret } from './secret-names.ts';
import { percentDecoded, splitBy, withoutEqual, type Part } from './taking-apart.ts';

const MARK = Buffer.from('://', 'latin1');
/** A scheme is not longer, `jdbc:postgresql` among them. */
const SCHEME_BYTES_MAX = 32;

/** Password, secrets among the query's values, random parts of user and path: as written and decoded. */
export function addressParts(value: Buffer): Part[] | undefined {
  const words = splitBy(value, isSpace).filter(({ length }) => length > 0);
  if (words.length === 0 || !words.every((word) => isAddress(word))) return undefined;
  return words.flatMap((word) => partsOfAddress(word));
}

/** Whether it begins as an address does. */
export function isAddress(word: Buffer): boolean {
  const mark = word.indexOf(MARK);
  if (mark < 0) return hasDriver(word);
  return mark <= SCHEME_BYTES_MAX && isLetter(word[0]!) && word.subarray(0, mark).every(isOfScheme);
}

/** `user:password@tcp(host:3306)/name`, as Go's MySQL driver has it. */
function hasDriver(word: Buffer): boolean {
  return (word.includes('@tcp(') || word.includes('@unix(')) && word.includes(')/');
}

function isOfScheme(byte: number): boolean {
  return isLetter(byte) || isDigit(byte) || byte === 0x2b || byte === 0x2d || byte === 0x2e || byte === 0x3a;
}

function partsOfAddress(address: Buffer): Part[] {
  const mark = address.indexOf(MARK);
  const rest = mark < 0 ? address : address.subarray(mark + MARK.length);
  const at = endOfUser(rest);
  const parts: Part[] = [];
  if (at >= 0) {
    const user = rest.subarray(0, at);
    const colon = user.indexOf(0x3a);
    const name = colon < 0 ? user : user.subarray(0, colon);
    parts.push(...written(name, 'unknown'));
    if (colon >= 0) {
      const password = user.subarray(colon + 1);
      const tail = splitBy(rest.subarray(at + 1), isOfTail);
      // `postgres://postgres:postgres@postgres/postgres`
      if (isSecret(password, 'secret', [name, ...tail])) parts.push(...written(password, 'secret'));
    }
  }
  return [...parts, ...partsOfTail(rest.subarray(at + 1))];
}

/** Where the `@` is; a password may hold `/` or `@` by mistake, when what is in front of it is no port. -1 for none. */
function endOfUser(rest: Buffer): number {
  const slash = rest.findIndex((byte) => byte === 0x2f || byte === 0x3f || byte === 0x23);
  const authority = slash < 0 ? rest : rest.subarray(0, slash);
  const at = authority.lastIndexOf(0x40);
  if (at >= 0) return at;
  const colon = authority.indexOf(0x3a);
  const isPort = colon < 0 || authority.subarray(colon + 1).every(isDigit);
  return isPort ? -1 : rest.lastIndexOf(0x40);
}

function isOfTail(byte: number): boolean {
  return byte === 0x2f || byte === 0x3f || byte === 0x26 || byte === 0x3b || byte === 0x23 || byte === 0x3a;
}

/** Of path, query and fragment: `name=value`, and words of the path. */
function partsOfTail(tail: Buffer): Part[] {
  const items = splitBy(tail, (byte) => byte === 0x3f || byte === 0x26 || byte === 0x3b || byte === 0x23);
  return items.flatMap((item) => {
    const named = withoutEqual(item);
    if (named !== undefined) return written(named.value, named.certainty);
    return splitBy(item, (byte) => byte === 0x2f).flatMap((word) => written(word, 'unknown'));
  });
}

/** As it is written, and decoded where that is something else. */
function written(bytes: Buffer, certainty: Part['certainty']): Part[] {
  const decoded = percentDecoded(bytes);
  const parts: Part[] = [{ bytes, certainty, isCopy: false }];
  if (decoded !== undefined) parts.push({ bytes: decoded, certainty, isCopy: true });
  return parts;
}
