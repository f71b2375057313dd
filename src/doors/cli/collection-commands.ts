// What people call vaults: named collections of items. The vault file that all of them lie in has its own commands.

import { EXIT, Failure } from '../../core/failure.ts';
import type { Collection } from '../../core/item.ts';
import { canStandInReference } from '../../core/reference.ts';
import type { Connection } from '../../wire/client.ts';
import type { Call, Command } from './command.ts';
import { counted, table, shortTime, timeText } from './output.ts';

const NAME = { name: 'NAME' } as const;

export const COLLECTION_COMMANDS: readonly Command[] = [
  {
    path: ['vault', 'create'],
    args: [NAME],
    help: 'make an empty vault to keep items in',
    example: 'keystile vault create work',
    run: async (call) => {
      const name = call.argument('NAME');
      const { result } = await (await call.daemon()).call('collection.create', { name });
      call.output.answer(result, () => [`made vault ${name} (${result.collectionId})`, ...unwritable(name)]);
      return EXIT.done;
    },
  },
  {
    path: ['vault', 'list'],
    help: 'list the vaults and how many items are in each',
    example: 'keystile vault list --format json',
    run: async (call) => {
      const { collections } = (await (await call.daemon()).call('collection.list', {})).result;
      call.output.answer({ vaults: collections }, () => collectionTable(collections));
      return EXIT.done;
    },
  },
  {
    path: ['vault', 'get'],
    args: [NAME],
    help: 'show one vault',
    example: 'keystile vault get work',
    run: async (call) => {
      const found = await findCollection(await call.daemon(), call.argument('NAME'));
      const { name, collectionId, itemCount, createdAt } = found;
      call.output.answer({ vault: found }, () => [
        `${name} (${collectionId}), ${counted(itemCount, 'item')}, made ${timeText(createdAt)}`,
      ]);
      return EXIT.done;
    },
  },
  {
    path: ['vault', 'edit'],
    args: [NAME],
    flags: { name: { value: 'NAME', help: 'the new name' } },
    help: 'give a vault another name; references that use the old one find nothing',
    example: 'keystile vault edit work --name work-eu',
    run: async (call) => {
      const [collection, name] = [call.argument('NAME'), call.flag('name')];
      if (name === undefined)
        throw new Failure('usage/invalid', 'nothing is to be changed', { hint: 'add --name NAME' });
      const { result } = await (await call.daemon()).call('collection.rename', { collection, name });
      call.output.answer(result, () => [`renamed ${collection} to ${name}`, ...unwritable(name)]);
      return EXIT.done;
    },
  },
  {
    path: ['vault', 'delete'],
    args: [NAME],
    flags: { 'with-items': { help: 'also when there are items in it, which are deleted with all their versions' } },
    help: 'delete a vault',
    example: 'keystile vault delete work --with-items',
    run: async (call) => {
      const [collection, withItems] = [call.argument('NAME'), call.has('with-items')];
      const daemon = await call.daemon();
      if (withItems) await confirmItemsGo(call, daemon, collection);
      const { result } = await daemon.call('collection.delete', { collection, withItems });
      call.output.answer(result, () => [`deleted ${collection}`]);
      return EXIT.done;
    },
  },
];

async function confirmItemsGo(call: Call, daemon: Connection, nameOrId: string): Promise<void> {
  const { name, itemCount } = await findCollection(daemon, nameOrId);
  if (itemCount > 0)
    await call.human.confirmLoss(`Delete ${name} with ${counted(itemCount, 'item')} and all versions?`);
}

/** What is legal as a name and cannot be written in a reference is said while the name can still be changed. */
export function unwritable(name: string): string[] {
  return canStandInReference(name) ? [] : ['references cannot have this name in them; they find it by its id'];
}

/** By id, else by name; without either the only one there is. Throws `name/not_found`, `name/ambiguous`. */
export async function findCollection(daemon: Connection, nameOrId: string | undefined): Promise<Collection> {
  const { collections } = (await daemon.call('collection.list', {})).result;
  if (nameOrId === undefined) return theOnly(collections);
  const found =
    collections.find(({ collectionId }) => collectionId === nameOrId) ??
    collections.find(({ name }) => name.normalize('NFC') === nameOrId.normalize('NFC'));
  if (found === undefined)
    throw new Failure('name/not_found', 'there is no vault of that name', {
      hint: 'keystile vault list shows them',
    });
  return found;
}

function theOnly([first, second]: readonly Collection[]): Collection {
  if (first === undefined) {
    throw new Failure('name/not_found', 'there is no vault yet', { hint: 'make one: keystile vault create NAME' });
  }
  if (second === undefined) return first;
  throw new Failure('name/ambiguous', 'there is more than one vault', { hint: 'say which with --vault' });
}

function collectionTable(collections: readonly Collection[]): string[] {
  const rows = collections.map(({ name, collectionId, itemCount, createdAt }) => [
    name,
    collectionId,
    String(itemCount),
    shortTime(createdAt),
  ]);
  return table(['NAME', 'ID', 'ITEMS', 'MADE'], rows, 'no vaults; make one with: keystile vault create NAME');
}
