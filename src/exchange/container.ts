// What is inside a bundle: a line that names the version, the length of a JSON document, the document, and the values it
// gives the lengths of. The same vaults give the same bytes. docs/import-export.md has the format.

import { canonicalJson } from '../core/canonical.ts';
import { Failure } from '../core/failure.ts';
import { COLLECTIONS_MAX, type NewItem } from '../core/item.ts';
import type { ImportedVault } from './imported.ts';
import { VaultDraft } from './item-draft.ts';
import { listAt, objectsAt, own, parseJsonObject, textAt } from './json-tree.ts';
import { packItem, packValues, unpackItem, ValueReader, type PackedItem } from './packing.ts';

const FAMILY = 'keystile-bundle ';
const HEAD = `${FAMILY}1\n`;
const LENGTH_BYTES = 4;
/** The document has no values; 200000 items with ten fields each stay below. */
export const MANIFEST_BYTES_MAX = 256 * 1024 * 1024;
/** A bundle of 200 MiB was read with 1.4 GiB of memory: several copies are made on the way. */
export const CONTAINER_BYTES_MAX = 512 * 1024 * 1024;

export interface BundledVault {
  readonly name: string;
  readonly items: readonly NewItem[];
}

/** The items of one vault, already packed: as `item.export` answers, and as `encryptBundle` takes them. */
export interface PackedVault {
  readonly name: string;
  readonly items: readonly PackedItem[];
}

/** The caller wipes the result. Throws `input/too_large` past a limit. */
export function writeContainer(vaults: readonly BundledVault[]): Buffer {
  const packed = vaults.map(({ name, items }) => ({ name, items: items.map((item) => packItem(item)) }));
  const values = vaults.map(({ items }) => packValues(items));
  const container = joinContainer(packed, values);
  for (const value of values) value.fill(0);
  return container;
}

/** As `writeContainer`, from what is packed already: `values` one after the other, in the order of the vaults. */
export function joinContainer(vaults: readonly PackedVault[], values: readonly Buffer[]): Buffer {
  const manifest = Buffer.from(canonicalJson({ vaults }), 'utf8');
  const bytes = HEAD.length + LENGTH_BYTES + manifest.length + values.reduce((sum, { length }) => sum + length, 0);
  if (manifest.length > MANIFEST_BYTES_MAX || bytes > CONTAINER_BYTES_MAX) {
    throw new Failure('input/too_large', 'these vaults do not fit into one bundle', { hint: 'export fewer at once' });
  }
  const container = Buffer.allocUnsafeSlow(bytes);
  let at = container.write(HEAD, 'latin1');
  at = container.writeUInt32BE(manifest.length, at);
  for (const part of [manifest, ...values]) at += part.copy(container, at);
  return container;
}

/** Keeps none of `container`, which the caller wipes. Throws `import/format` for a later version, `import/damaged`. */
export function readContainer(container: Buffer): ImportedVault[] {
  refuseHead(container);
  const start = HEAD.length + LENGTH_BYTES;
  const manifestBytes = container.length < start ? Number.POSITIVE_INFINITY : container.readUInt32BE(HEAD.length);
  if (manifestBytes > Math.min(MANIFEST_BYTES_MAX, container.length - start)) throw damaged('it ends too early');
  const manifest = parseJsonObject(container.subarray(start, start + manifestBytes), 'the list in this bundle');
  const values = new ValueReader(container.subarray(start + manifestBytes));
  const listed = objectsAt(manifest, 'vaults');
  if (listed.length > COLLECTIONS_MAX) throw damaged('it has too many vaults');
  const drafts: VaultDraft[] = [];
  try {
    for (const vault of listed) {
      const draft = new VaultDraft(own(vault, 'name') === null ? null : textAt(vault, 'name'));
      drafts.push(draft);
      for (const item of listAt(vault, 'items')) unpackItem(item, values, draft);
    }
    if (!values.isAtEnd) throw damaged('something follows its values');
  } catch (error) {
    for (const draft of drafts) draft.wipe();
    throw error;
  }
  return drafts.map((draft) => draft.finish());
}

function refuseHead(container: Buffer): void {
  const starts = (text: string): boolean => container.toString('latin1', 0, text.length) === text;
  if (starts(HEAD)) return;
  if (starts(FAMILY)) {
    throw new Failure('import/format', 'this bundle was written by a later version', { hint: 'update keystile' });
  }
  throw new Failure('import/format', 'this age file does not hold a bundle of keystile', {
    hint: 'decrypt it with age, then import what is in it',
  });
}

function damaged(what: string): Failure {
  return new Failure('import/damaged', `this bundle is damaged: ${what}`);
}
