// Takes a line of the log apart for the verifier. Anything the writer would have put differently, by a single byte,
// is not an entry.

import { hash, hkdfSync } from 'node:crypto';
import { canonicalJson } from '../core/canonical.ts';
import { EVENT_KINDS, FACT_NUMBERS, FACT_TEXT, FACT_TEXTS } from '../core/event.ts';
import type { Secret } from '../core/secret.ts';

/** Longer than the longest line: names of 16,384 characters, escaped and sealed and in base64. */
const LINE_BYTES_MAX = 256 * 1024;
const PRINTABLE = /^[\x20-\x7e]+$/;
const TAIL = /,"mac":(?:"([0-9a-f]{64})"|null)\}$/;

export interface CheckedLine {
  readonly seq: number;
  readonly mono: number;
  readonly boot: string;
  readonly prev: string;
  readonly chain: string;
  readonly mac: string | null;
}

/** Every member of an entry, and what it may be. */
const MEMBERS: Readonly<Record<string, (value: unknown) => boolean>> = {
  at: (value) => typeof value === 'string' && isTime(value),
  boot: (value) => typeof value === 'string' && /^[0-9a-f]{16}$/.test(value),
  event: (value) => EVENT_KINDS.some((kind) => kind === value),
  facts: isFacts,
  mono: isNatural,
  prev: (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value),
  sealed: (value) => value === undefined || isBase64(value),
  seq: isNatural,
  v: (value) => value === 1,
};

/** The line without its newline, or null when it is not an entry. */
export function checkLine(line: Buffer): CheckedLine | null {
  const text = line.length > LINE_BYTES_MAX ? '' : line.toString('latin1');
  const tail = PRINTABLE.test(text) ? TAIL.exec(text) : null;
  if (tail === null) return null;
  const body = `${text.slice(0, tail.index)}}`;
  const entry = parseObject(body);
  if (entry === null || canonicalOrNull(entry) !== body) return null;
  if (Object.keys(entry).some((name) => MEMBERS[name] === undefined)) return null;
  if (!Object.entries(MEMBERS).every(([name, isGood]) => isGood(entry[name]))) return null;
  const prev = String(entry['prev']);
  const chain = hash('sha256', Buffer.concat([Buffer.from(prev, 'hex'), Buffer.from(body)]), 'hex');
  const { seq, mono, boot } = entry;
  return { seq: Number(seq), mono: Number(mono), boot: String(boot), prev, chain, mac: tail[1] ?? null };
}

/** What HKDF-Expand hashes for its first block: the info and the number 1. */
const NEXT = Buffer.from('keystile/v1/audit-mac-next\u0001');
/** Block of SHA-256, in bytes. */
const BLOCK_BYTES = 64;

/** The MACs of a log, event by event, from its seed: made anew here, not shared with the writer. */
export class MacChecker {
  #key: Buffer;
  #seq = 1;

  constructor(macSeed: Secret, vaultId: string) {
    // I1: the seed itself is only read; the keys made from it are wiped one after the other.
    this.#key = Buffer.from(hkdfSync('sha256', macSeed.reveal(), '', `keystile/v1/audit-mac\0${vaultId}`, 32));
  }

  /** The MAC that event `seq` has to have, in hex. Asked in rising order. */
  expect(seq: number, chain: string): string {
    for (; this.#seq < seq; this.#seq += 1) this.#step();
    return hmac(this.#key, Buffer.from(chain, 'hex')).toString('hex');
  }

  wipe(): void {
    this.#key.fill(0);
  }

  #step(): void {
    const next = hmac(this.#key, NEXT);
    this.#key.fill(0);
    this.#key = next;
  }
}

/** RFC 2104, written out: node:crypto makes a key object for every HMAC, and that is most of the time it takes. */
function hmac(key: Buffer, message: Buffer): Buffer {
  const inner = Buffer.alloc(BLOCK_BYTES + message.length, 0x36);
  const outer = Buffer.alloc(BLOCK_BYTES + 32, 0x5c);
  for (const [i, byte] of key.entries()) {
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  message.copy(inner, BLOCK_BYTES);
  hash('sha256', inner, 'buffer').copy(outer, BLOCK_BYTES);
  const mac = hash('sha256', outer, 'buffer');
  inner.fill(0);
  outer.fill(0);
  return mac;
}

function isFacts(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(([name, fact]: [string, unknown]) => {
    if (FACT_NUMBERS.some((known) => known === name)) return Number.isSafeInteger(fact);
    return FACT_TEXTS.some((known) => known === name) && typeof fact === 'string' && FACT_TEXT.test(fact);
  });
}

function isTime(value: string): boolean {
  const time = new Date(value);
  return !Number.isNaN(time.getTime()) && time.toISOString() === value;
}

function isNatural(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isBase64(value: unknown): boolean {
  return typeof value === 'string' && Buffer.from(value, 'base64').toString('base64') === value;
}

function canonicalOrNull(entry: Record<string, unknown>): string | null {
  try {
    return canonicalJson(entry);
  } catch {
    return null;
  }
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const data: unknown = JSON.parse(text);
    return typeof data === 'object' && data !== null && !Array.isArray(data) ? { ...data } : null;
  } catch {
    return null;
  }
}
