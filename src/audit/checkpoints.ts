// The file of signed checkpoints (c2sp.org/tlog-checkpoint): "the log had so many entries, and this was their tree".
// Each is a signed note followed by an empty line.

import * as fs from 'node:fs';
import { join } from 'node:path';
import { openPrivateAppend, readPrivate, writePrivateAtomic } from '../machine/private-files.ts';
import { originOf, publicLine, signNote } from './keys.ts';
import type { AuditKeys } from './keys.ts';
import type { CompactTree } from './tree.ts';

/** Longer than any checkpoint. */
const TAIL_BYTES = 2048;
const LAST_NOTE = /(?:^|\n\n)([^\n]+\n(\d{1,16})\n([^\n]+)\n\n\u2014 [^\n]+\n)\n$/;

export interface LastCheckpoint {
  readonly size: number;
  /** Base64 of the tree hash. */
  readonly root: string;
  /** Whether the key of this vault made it. */
  readonly isOurs: boolean;
}

export class Checkpoints {
  readonly #folder: string;
  readonly #path: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#path = join(folder, 'checkpoints');
  }

  /** Writes the public key where a verifier finds it. */
  publish(keys: AuditKeys): void {
    const path = join(this.#folder, 'audit.pub');
    const line = Buffer.from(publicLine(keys));
    if (readPrivate(path)?.equals(line) !== true) writePrivateAtomic(path, line);
  }

  /** The last checkpoint in the file, or null when there is none. */
  last(keys: AuditKeys): LastCheckpoint | null {
    const [, note, size, root] = LAST_NOTE.exec(tailOf(this.#path).toString('utf8')) ?? [];
    if (note === undefined || root === undefined) return null;
    // Ed25519 signs without chance: the note is ours if we would write the same.
    return { size: Number(size), root, isOurs: note === signNote(keys, textOf(keys, Number(size), root)) };
  }

  /** Appends a synced checkpoint of `tree`. Throws when the system refuses; the file is then as it was. */
  add(keys: AuditKeys, tree: CompactTree): void {
    const note = Buffer.from(`${signNote(keys, textOf(keys, tree.size, tree.root().toString('base64')))}\n`);
    const file = openPrivateAppend(this.#path);
    try {
      // What a crash cut short is removed, so that the notes behind it stay readable.
      const torn = tornBytes(tailOf(this.#path));
      if (torn > 0) fs.ftruncateSync(file, fs.fstatSync(file).size - torn);
      appendOrTakeBack(file, note);
    } finally {
      fs.closeSync(file);
    }
  }
}

function appendOrTakeBack(file: number, note: Buffer): void {
  const { size } = fs.fstatSync(file);
  try {
    for (let written = 0; written < note.length;) written += fs.writeSync(file, note, written);
    fs.fdatasyncSync(file);
  } catch (error) {
    fs.ftruncateSync(file, size);
    throw error;
  }
}

function textOf(keys: AuditKeys, size: number, root: string): string {
  return `${originOf(keys.vaultId)}\n${size}\n${root}\n`;
}

/** Bytes at the end that are no whole note. In Latin-1 a character is a byte, and the em dash is three. */
function tornBytes(tail: Buffer): number {
  const text = tail.toString('latin1');
  const ends = [...text.matchAll(/\n\u00e2\u0080\u0094 [^\n]+\n\n/g)].map((match) => match.index + match[0].length);
  return text.length - (ends.at(-1) ?? 0);
}

function tailOf(path: string): Buffer {
  let file: number;
  try {
    file = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
  } catch {
    return Buffer.alloc(0);
  }
  try {
    const { size } = fs.fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
    fs.readSync(file, bytes, 0, bytes.length, size - bytes.length);
    return bytes;
  } finally {
    fs.closeSync(file);
  }
}
