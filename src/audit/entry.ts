// One event as one line of the file: how it is made, and how it is read back to be shown. That a line is genuine is
// not decided here: verify.ts does that, with code of its own.

import { createHash } from 'node:crypto';
import { canonicalJson } from '../core/canonical.ts';
import { EVENT_KINDS, FACT_NUMBERS, FACT_TEXT, FACT_TEXTS } from '../core/event.ts';
import type { AuditEvent, EventFacts, EventKind, EventNames } from '../core/event.ts';
import { Failure } from '../core/failure.ts';

export const FORMAT_VERSION = 1;
/** What stands before the first event, in place of a chain hash. */
export const CHAIN_START = Buffer.alloc(32);
/** I8: a text of the names is cut here, all texts of one event together there. In UTF-16 units. */
export const NAME_LENGTH_KEPT = 1024;
export const NAMES_LENGTH_KEPT = 16 * 1024;
/** I8: and of a list so many are kept. */
export const NAMES_KEPT = 256;
const CUT = '\u2026';

/** Everything a line says but its MAC. */
export interface EntryBody {
  readonly v: typeof FORMAT_VERSION;
  /** 1, 2, 3 … through all files of the log. */
  readonly seq: number;
  /** Wall clock, ISO 8601 in UTC with milliseconds. */
  readonly at: string;
  /** Milliseconds since the process started, on a clock that only goes forward. */
  readonly mono: number;
  /** Which opening of the log wrote it: 16 hex digits. */
  readonly boot: string;
  readonly event: EventKind;
  readonly facts: EventFacts;
  /** Base64; only when the event has names and the vault was unlocked. */
  readonly sealed?: string;
  /** Chain hash of the entry before, 64 hex digits. */
  readonly prev: string;
}

export interface Line {
  /** With its newline. */
  readonly text: string;
  readonly chain: Buffer;
}

/** Whatever makes the MAC of a chain hash, in hex. */
export interface Authenticator {
  mac(chain: Buffer): string;
}

/** The line of `body`; its MAC is null when there is no key (yet). */
export function makeLine(body: EntryBody, key: Authenticator | null): Line {
  const text = canonicalJson(body);
  const chain = chainOf(Buffer.from(body.prev, 'hex'), text);
  return { text: `${text.slice(0, -1)},"mac":${JSON.stringify(key?.mac(chain) ?? null)}}\n`, chain };
}

/** SHA-256 of the 32 bytes before and of the entry without its MAC. */
function chainOf(prev: Buffer, bodyText: string): Buffer {
  return createHash('sha256').update(prev).update(bodyText, 'utf8').digest();
}

/** A line taken apart. `chain` and `mac` are what a writer needs that goes on after it. */
export interface ReadEntry {
  readonly body: EntryBody;
  readonly chain: Buffer;
  readonly mac: string | null;
}

const LINE = /^(\{.*),"mac":(?:"([0-9a-f]{64})"|null)\}$/s;

/** The entry in `line` (without newline), or null when it is none. */
export function readLine(line: string): ReadEntry | null {
  const [, open, mac] = LINE.exec(line) ?? [];
  if (open === undefined) return null;
  const text = `${open}}`;
  const body = parseBody(text);
  if (body === null) return null;
  return { body, chain: chainOf(Buffer.from(body.prev, 'hex'), text), mac: mac ?? null };
}

/** Throws `internal/error` when a fact is not of the closed vocabulary: a slip of ours that must not reach the file. */
export function checkFacts(event: AuditEvent): void {
  if (!EVENT_KINDS.includes(event.event) || !areFacts(event.facts)) {
    throw new Failure('internal/error', 'an event for the audit log has a fact that is not of the closed vocabulary');
  }
}

/** The names as JSON, cut to what is kept of them. The caller wipes the bytes. */
export function namesBytes(names: EventNames): Buffer {
  let left = NAMES_LENGTH_KEPT;
  const cut = (text: string): string => {
    const kept = text.slice(0, Math.min(NAME_LENGTH_KEPT, left)).toWellFormed();
    left -= kept.length;
    return text.length > kept.length ? kept + CUT : kept;
  };
  const cutList = (list: readonly string[]): string[] => {
    const kept = list.slice(0, NAMES_KEPT).map(cut);
    return list.length > NAMES_KEPT ? [...kept, CUT] : kept;
  };
  const entries = Object.entries(names).map(([key, name]: [string, unknown]) => {
    if (typeof name === 'string') return [key, cut(name)] as const;
    return [key, isTexts(name) ? cutList(name) : undefined] as const;
  });
  return Buffer.from(canonicalJson(Object.fromEntries(entries)));
}

/** What `namesBytes` made, or undefined. */
export function parseNames(bytes: Buffer): EventNames | undefined {
  const data = parseJson(bytes.toString('utf8'));
  return isRecord(data) && Object.values(data).every((name) => typeof name === 'string' || isTexts(name))
    ? data
    : undefined;
}

function parseBody(text: string): EntryBody | null {
  const data = parseJson(text);
  return isBody(data) ? data : null;
}

function isBody(data: unknown): data is EntryBody {
  if (!isRecord(data)) return false;
  const { v, seq, at, mono, boot, event, facts, sealed, prev } = data;
  const hasShape =
    v === FORMAT_VERSION && isCount(seq) && isCount(mono) && isText(at, ISO_TIME) && isText(boot, /^[0-9a-f]{16}$/);
  const hasContent = EVENT_KINDS.some((kind) => kind === event) && areFacts(facts);
  return hasShape && hasContent && isText(prev, /^[0-9a-f]{64}$/) && (sealed === undefined || isText(sealed, /^/));
}

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function areFacts(facts: unknown): facts is EventFacts {
  if (!isRecord(facts)) return false;
  return Object.entries(facts).every(([name, fact]) => {
    if (fact === undefined) return true;
    if (FACT_TEXTS.some((text) => text === name)) return isText(fact, FACT_TEXT);
    return FACT_NUMBERS.some((number) => number === name) && Number.isSafeInteger(fact);
  });
}

function isCount(data: unknown): data is number {
  return Number.isSafeInteger(data) && Number(data) >= 0;
}

function isText(data: unknown, shape: RegExp): data is string {
  return typeof data === 'string' && shape.test(data);
}

function isTexts(data: unknown): data is readonly string[] {
  return Array.isArray(data) && data.every((item) => typeof item === 'string');
}

function isRecord(data: unknown): data is Record<string, unknown> {
  return typeof data === 'object' && data !== null && !Array.isArray(data);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
