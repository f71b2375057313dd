// Exports of other programs, made here, and what readers say of them in a form that tests can compare.

import assert from 'node:assert/strict';
import { zipSync, type Zippable } from 'fflate';
import { Failure } from '../../src/core/failure.ts';
import type { NewItem } from '../../src/core/item.ts';
import { Secret } from '../../src/core/secret.ts';
import { detectFormat, readExport, type Format } from '../../src/exchange/formats.ts';
import type { BundledVault } from '../../src/exchange/container.ts';
import type { ImportedVault, ReadOptions } from '../../src/exchange/imported.ts';
import { assertNoCanary } from '../canaries.ts';

export interface SaidItem {
  readonly title: string;
  readonly category: string;
  readonly tags: readonly string[];
  readonly isArchived: boolean;
  /** `section/label [type]` and the value. */
  readonly fields: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
}

/** An item with its values in the clear. */
export function said(item: NewItem | undefined): SaidItem {
  assert.ok(item !== undefined, 'there is no such item');
  const place = (section: string | null, label: string): string => (section === null ? label : `${section}/${label}`);
  return {
    title: item.title,
    category: item.category,
    tags: item.tags,
    isArchived: item.isArchived === true,
    fields: Object.fromEntries(
      item.fields.map(({ label, section, type, value }) => [
        `${place(section, label)} [${type}]`,
        value.reveal().toString('utf8'),
      ]),
    ),
    files: Object.fromEntries(
      item.files.map(({ name, section, content }) => [place(section, name), content.reveal().toString('latin1')]),
    ),
  };
}

export function itemCalled(vaults: readonly ImportedVault[], title: string): SaidItem {
  return said(vaults.flatMap(({ items }) => items).find((item) => item.title === title));
}

/** Reads by the format that is detected, which must be `format`. */
export async function readAs(
  format: Format,
  bytes: Buffer,
  options: Partial<ReadOptions> = {},
): Promise<ImportedVault[]> {
  const fileName = options.fileName ?? 'export';
  assert.equal(detectFormat(bytes, fileName), format);
  return await readExport(bytes, format, { ...options, fileName });
}

/** The Failure of a reading; no canary is in it, whatever it is printed as. */
export async function failureOf(
  format: Format,
  bytes: Buffer,
  options: Partial<ReadOptions> = {},
  canaries: readonly string[] = [],
): Promise<Failure> {
  try {
    await readExport(bytes, format, { fileName: 'export', ...options });
  } catch (thrown) {
    assert.ok(thrown instanceof Failure, `not a Failure: ${String(thrown)}`);
    if (canaries.length > 0) {
      const told = `${JSON.stringify(thrown.toDocument())}\n${thrown.stack}\n${String(thrown.cause)}`;
      assertNoCanary(told, canaries, 'the failure');
    }
    return thrown;
  }
  return assert.fail('this was read');
}

/** A power to ask for a password that answers `text`. */
export function typing(text: string): () => Promise<Secret> {
  return async () => new Secret(Buffer.from(text));
}

export function secretOf(text: string | Buffer): Secret {
  return new Secret(Buffer.from(text));
}

export function zip(files: Zippable): Buffer {
  return Buffer.from(zipSync(files));
}

/** An archive whose last file says that it has `bytes` bytes. */
export function claiming(archive: Buffer, bytes: number): Buffer {
  const lying = Buffer.from(archive);
  lying.writeUInt32LE(bytes, lying.lastIndexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02])) + 24);
  return lying;
}

export function json(data: unknown): Buffer {
  return Buffer.from(JSON.stringify(data));
}

/** A .1pux with these items in one vault. */
export function onePux(items: readonly unknown[], files: Readonly<Record<string, Uint8Array>> = {}): Buffer {
  const data = { accounts: [{ attrs: {}, vaults: [{ attrs: { name: 'Private' }, items }] }] };
  return zip({
    'export.attributes': json({ version: 3, description: '1Password Unencrypted Export', createdAt: 1_585_333_569 }),
    'export.data': json(data),
    ...files,
  });
}

/** One vault with one item, whose password is `text`. */
export function small(text: string): BundledVault[] {
  const field = { label: 'password', section: null, type: 'password', value: secretOf(text) } as const;
  return [{ name: 'Team', items: [{ title: 'Site', category: 'login', tags: ['a'], fields: [field], files: [] }] }];
}
