// Items on their way between a file of another manager, or a bundle, and the daemon.

import { Failure } from '../../core/failure.ts';
import type { Answer } from '../../wire/answers.ts';
import type { Connection } from '../../wire/client.ts';
import type { Params } from '../../wire/methods.ts';
import type { Call } from './command.ts';
import { exportCommand, type ItemPage, type ItemSource } from './export-command.ts';
import { importCommand, type ItemSink } from './import-command.ts';

export const TRANSFER_COMMANDS = [importCommand(sinkOf), exportCommand(sourceOf)];

async function sinkOf(call: Call): Promise<ItemSink> {
  const daemon = await call.daemon();
  return {
    async ensureVault(name) {
      try {
        await daemon.call('collection.create', { name });
      } catch (error) {
        if (!(error instanceof Failure) || error.code !== 'name/taken') throw error;
      }
    },
    async importItems(collection, items, values) {
      const params = { collection, items: items.map((item) => ({ ...item, ...copyOf(item) })) };
      const { result } = await daemon.call('item.import', params, { parts: [values] });
      return { duplicates: result.duplicates };
    },
  };
}

/** The lists of the method's params may be changed, those of a packed item not. */
function copyOf({ tags, fields, files }: Parameters<ItemSink['importItems']>[1][number]) {
  return { tags: [...tags], fields: [...fields], files: [...files] };
}

async function sourceOf(call: Call): Promise<ItemSource> {
  const daemon = await call.daemon();
  return { pages: (vaults, passphrase) => pagesOf(daemon, vaults, passphrase) };
}

async function* pagesOf(
  daemon: Connection,
  wanted: readonly string[],
  passphrase: Buffer,
): AsyncGenerator<ItemPage, void, undefined> {
  const { result } = await daemon.call('collection.list', {});
  const all = result.collections;
  const missing = wanted.find((one) => !all.some(({ collectionId, name }) => one === collectionId || one === name));
  if (missing !== undefined) throw new Failure('name/not_found', `there is no vault ${missing}`);
  const collections = all.filter(({ collectionId, name }) => {
    return wanted.length === 0 || wanted.includes(collectionId) || wanted.includes(name);
  });
  const total = collections.reduce((sum, { itemCount }) => sum + itemCount, 0);
  for (const { collectionId: collection, name: vault } of collections) {
    for (let fromItem: number | null = 0; fromItem !== null;) {
      const params: Params<'item.export'> = { collection, fromItem, includeArchived: true };
      const page: Answer<'item.export'> = await daemon.call('item.export', params, { parts: [passphrase] });
      const items = page.result.items.map(({ isArchived, ...item }) => ({
        ...item,
        ...(isArchived === true && { isArchived }),
      }));
      yield { vault, items, values: page.parts[0] ?? Buffer.alloc(0), total };
      fromItem = page.result.next;
    }
  }
}
