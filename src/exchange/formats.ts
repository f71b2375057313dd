// The one table of what can be imported. A format that is not here does not exist.

import { Failure } from '../core/failure.ts';
import { readBitwarden } from './bitwarden.ts';
import { isBundle, readBundle } from './bundle.ts';
import { isCsv, readCsv } from './csv.ts';
import { readDotenvFile } from './dotenv-file.ts';
import type { ImportedVault, ReadOptions } from './imported.ts';
import { readKeePass } from './keepass.ts';
import { readOnePassword } from './onepassword.ts';

export const FORMATS = ['bundle', '1pux', 'bitwarden', 'keepass', 'csv', 'dotenv'] as const;
export type Format = (typeof FORMATS)[number];

interface FormatRow {
  /** For people, in a sentence. */
  readonly title: string;
  /** What of it stays behind even when every item comes along; null for nothing. */
  readonly leftBehind: string | null;
  /** Whether anybody who has the file can read it. */
  readonly isPlain: boolean;
  /** Whether these bytes look like it. Asked in the order of FORMATS. */
  readonly fits: (bytes: Buffer, fileName: string) => boolean;
  readonly read: (bytes: Buffer, options: ReadOptions) => ImportedVault[] | Promise<ImportedVault[]>;
}

const ZIP_MAGIC = Buffer.from('PK\u0003\u0004', 'latin1');
/** Of KDBX and of the older KDB alike; the reader tells them apart. */
const KEEPASS_MAGIC = Buffer.from([0x03, 0xd9, 0xa2, 0x9a]);

export const FORMAT_TABLE: Readonly<Record<Format, FormatRow>> = {
  bundle: {
    title: 'a bundle of keystile',
    leftBehind: null,
    isPlain: false,
    fits: isBundle,
    read: readBundle,
  },
  '1pux': {
    title: 'an export of 1Password (.1pux)',
    leftBehind: 'earlier passwords and icons',
    isPlain: true,
    fits: (bytes) => startsWith(bytes, ZIP_MAGIC),
    read: readOnePassword,
  },
  bitwarden: {
    title: 'an unencrypted export of Bitwarden (.json)',
    leftBehind: 'earlier passwords, passkeys and attachments',
    isPlain: true,
    fits: (bytes) => /^(?:\u00ef\u00bb\u00bf)?\s*\{/.test(bytes.toString('latin1', 0, 256)),
    read: readBitwarden,
  },
  keepass: {
    title: 'a KeePass database (.kdbx)',
    leftBehind: 'earlier versions, icons and autotype',
    isPlain: false,
    fits: (bytes) => startsWith(bytes, KEEPASS_MAGIC),
    read: readKeePass,
  },
  csv: {
    title: 'a CSV file with a first row of heads',
    leftBehind: null,
    isPlain: true,
    fits: isCsv,
    read: readCsv,
  },
  dotenv: {
    title: 'a dotenv file',
    leftBehind: null,
    isPlain: true,
    fits: (_bytes, fileName) => /(?:^|\.)env(?:\.|$)/i.test(fileName),
    read: readDotenvFile,
  },
};

/** By what the file holds, and only at the end by its name. null when nothing fits. */
export function detectFormat(bytes: Buffer, fileName: string): Format | null {
  return FORMATS.find((format) => FORMAT_TABLE[format].fits(bytes, fileName)) ?? null;
}

/**
 * The vaults in an export. `bytes` stay the caller's, to be wiped; so do the items. Throws `import/format`,
 * `import/damaged` and `import/password`, `dotenv/invalid` for a dotenv file, `input/too_large` past a limit; none of
 * them holds a byte of the file.
 */
export async function readExport(bytes: Buffer, format: Format, options: ReadOptions): Promise<ImportedVault[]> {
  try {
    return await FORMAT_TABLE[format].read(bytes, options);
  } catch (error) {
    if (error instanceof Failure) throw error;
    // A RangeError of too deep recursion, say: what a reader did not foresee is what the file did to it.
    throw new Failure('import/damaged', `this is not ${FORMAT_TABLE[format].title}, or it is damaged`);
  }
}

function startsWith(bytes: Buffer, magic: Buffer): boolean {
  return bytes.subarray(0, magic.length).equals(magic);
}
