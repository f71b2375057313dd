// The five secrets of the case table. They are made from a word, so that they are the same on every machine and no scanner
// of secrets takes a line of ours for one. None opens anything.

import { createHash } from 'node:crypto';

export interface Shape {
  /** As the table names it. */
  readonly name: string;
  /** The variable that carries it. */
  readonly variable: string;
  readonly value: Buffer;
  /** Parts of it that everybody knows: a piece that lies in one of them betrays nothing. */
  readonly known: readonly string[];
}

const HOST = '@db.example:5432/shop';

export const SHAPES: readonly Shape[] = [
  shape('token', 'CASE_TOKEN', `sk_live_${letters('token', 24)}`, ['sk_live_']),
  // Quotes, spaces, a dollar and letters of two bytes; what URL, HTML and base64 alphabets write in ways of their own.
  shape('password', 'CASE_PASSWORD', `Tr0ub4 d'or"$x é&ü<${letters('password', 6)}%/+k#Z`, []),
  shape('hex', 'CASE_HEX', createHash('sha1').update('hex').digest('hex'), []),
  shape('DSN', 'CASE_DSN', `postgres://user:${letters('dsn', 20)}${HOST}`, ['postgres://user:', HOST]),
  shape('PEM', 'CASE_PEM', pem(), ['-----BEGIN PRIVATE KEY-----\n', '\n-----END PRIVATE KEY-----']),
];

function shape(name: string, variable: string, text: string, known: readonly string[]): Shape {
  return { name, variable, value: Buffer.from(text), known };
}

function letters(word: string, count: number): string {
  const text = createHash('sha512').update(word).digest('base64');
  return text.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, count);
}

/** Four lines as RFC 7468 has them, the last one shorter. What they hold is no key. */
function pem(): string {
  const body = createHash('shake256', { outputLength: 170 }).update('pem').digest('base64');
  return ['-----BEGIN PRIVATE KEY-----', ...(body.match(/.{1,64}/g) ?? []), '-----END PRIVATE KEY-----'].join('\n');
}
