// What a value is made of, when part of it is the secret: those parts are looked for alone. A user name, a host or a
// setting such as `sslmode=require` is none: they stand in every log, so only passwords, what is called a secret, and what
// looks like made by a generator is derived.

import { addressParts } from './address.ts';
import { jsonParts } from './json-parts.ts';
import { keyParts } from './key-parts.ts';
import { copied, trimmed } from './lines.ts';
import { settingParts } from './setting-parts.ts';
import type { Part } from './taking-apart.ts';
import { isSecret, type Certainty } from './secret-names.ts';
import { bearerParts, tokenParts, wordParts } from './token-parts.ts';

interface Kind {
  /** Its parts, or undefined when the value is not of this kind. */
  readonly partsOf: (value: Buffer) => Part[] | undefined;
  /** Whether the rest of such a value is words that everybody knows. */
  readonly isStructure: boolean;
}

/** The first that fits. */
const KINDS: readonly Kind[] = [
  { partsOf: keyParts, isStructure: true },
  { partsOf: jsonParts, isStructure: true },
  { partsOf: tokenParts, isStructure: true },
  { partsOf: bearerParts, isStructure: false },
  { partsOf: addressParts, isStructure: true },
  { partsOf: settingParts, isStructure: true },
  { partsOf: wordParts, isStructure: false },
];

/** An address in a setting in JSON, and its parts. */
const DEPTH_MAX = 4;
/** Of all values there are fewer; more parts of one are not looked for alone. (I8) */
const PARTS_MAX = 64;
/** Longer values are not taken apart. */
const VALUE_BYTES_MAX = 64 * 1024;

/** Whether the value is an address, settings, JSON, a JWT or a key: much of it is no secret. */
export function isStructured(value: Buffer): boolean {
  if (value.length > VALUE_BYTES_MAX) return false;
  for (const { partsOf, isStructure } of KINDS) {
    const parts = isStructure ? partsOf(value) : undefined;
    if (parts === undefined) continue;
    wipeCopies(parts);
    return true;
  }
  return false;
}

/** Parts of the value that are secrets by themselves, as copies. */
export function derivedFrom(value: Buffer): Buffer[] {
  const found: Buffer[] = [];
  if (value.length <= VALUE_BYTES_MAX) collect(trimmed(value), DEPTH_MAX, found);
  return found;
}

/** Adds the secrets among the parts of `value`, and among the parts of those. */
function collect(value: Buffer, depth: number, found: Buffer[]): void {
  for (const { partsOf } of KINDS) {
    const parts = partsOf(value);
    if (parts === undefined) continue;
    for (const { bytes, certainty } of parts) {
      // Itself when it is one; its parts, when it is made of some.
      const isWhole = found.length < PARTS_MAX && isSecret(bytes, certainty) && !isPublic(bytes, certainty);
      if (isWhole) found.push(copied(bytes));
      if (depth > 1) collect(bytes, depth - 1, found);
    }
    wipeCopies(parts);
    return;
  }
}

/** An address or settings among the settings are taken apart; that they look random is because of what is in them. */
function isPublic(bytes: Buffer, certainty: Certainty): boolean {
  return certainty !== 'secret' && isStructured(bytes);
}

function wipeCopies(parts: readonly Part[]): void {
  for (const { bytes, isCopy } of parts) if (isCopy) bytes.fill(0);
}
