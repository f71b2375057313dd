// What a human may say about items and the collections they are in. Every change, and all that is shown of a value, is on
// the record first (I2). Agents come to none of this (the method table says so).

import { setImmediate } from 'node:timers/promises';
import { TIER_PASSPHRASE } from '../authority/policy.ts';
import type { AuditEvent, EventFacts, EventKind } from '../core/event.ts';
import { Failure } from '../core/failure.ts';
import type { Item, ItemSummary } from '../core/item.ts';
import { parseTitle } from '../core/names.ts';
import { Secret } from '../core/secret.ts';
import { applyForm } from '../core/value-form.ts';
import type { Call, Handlers, ServedConnection } from '../wire/calls.ts';
import { packValues } from '../wire/packed.ts';
import { coatsOf, exportPage, itemsOf, sshKeyFields } from './item-values.ts';
import { isThere } from '../vault/item-duplicates.ts';
import type { Service } from './service.ts';

/** One page of a list: so many items, or so many characters of JSON, of which a frame holds a few times as many. */
const LIST_ITEMS_MAX = 2_000;
const LIST_CHARACTERS_MAX = 4 * 1024 * 1024;
/** Items that are looked at, or deleted in one commit, before somebody else has a turn. */
const ITEMS_PER_TURN = 50;

export function collectionHandlers(service: Service) {
  const collections = () => service.unlocked().collections;
  return {
    'collection.list': async () => ({ collections: collections().list() }),
    'collection.create': async ({ params }: Call<'collection.create'>) => {
      const collection = parseTitle(params.name);
      await service.record({ event: 'collection_created', facts: {}, names: { collection } });
      return { collectionId: collections().create(collection).collectionId };
    },
    'collection.rename': async ({ params }: Call<'collection.rename'>) => {
      const { collectionId } = collections().get(params.collection);
      const collection = parseTitle(params.name);
      await service.record({ event: 'collection_renamed', facts: { collectionId }, names: { collection } });
      collections().rename(collectionId, collection);
      return {};
    },
    'collection.delete': async ({ params, signal }: Call<'collection.delete'>) => {
      const { collectionId, name: collection } = collections().get(params.collection);
      const count = collections().itemsIn(collectionId);
      if (count > 0 && !params.withItems) {
        throw new Failure('input/invalid', `there are ${count} items in that vault, the archive included`, {
          field: 'withItems',
          hint: 'add --with-items to delete them as well',
        });
      }
      await service.record({ event: 'collection_deleted', facts: { collectionId, count }, names: { collection } });
      await deleteItems(service, collectionId, signal);
      collections().delete(collectionId);
      return {};
    },
  } satisfies Partial<Handlers>;
}

export function itemHandlers(service: Service) {
  const items = () => service.unlocked().items;
  const find = (params: Named): Item => findItem(service, params);
  return {
    'item.list': async ({ params }: Call<'item.list'>) => await listPage(service, params),
    'item.get': async ({ params }: Call<'item.get'>) => {
      const item = find(params);
      return { item, collection: service.unlocked().collections.get(item.collectionId).name };
    },
    'item.create': async (call: Call<'item.create'>) => await createItem(service, call),
    'item.edit': async (call: Call<'item.edit'>) => {
      const { title, tags, fields, files, removed } = call.params;
      const item = find(call.params);
      using coats = coatsOf({ fields, files }, call.parts[0]);
      const count = fields.length + files.length + removed.length;
      await service.record(eventOf(service, 'item_changed', item, { count }));
      const named = { ...(title !== undefined && { title }), ...(tags !== undefined && { tags }) };
      const changed = items().edit(item.itemId, { ...named, fields: coats.fields, files: coats.files, removed });
      return { version: changed.version };
    },
    'item.file_put': async (call: Call<'item.file_put'>) => {
      const item = find(call.params);
      const { name, section } = call.params;
      using content = new Secret(Buffer.from(call.parts[0] ?? Buffer.alloc(0)));
      await service.record(eventOf(service, 'item_changed', item, { count: 1 }));
      return { version: items().edit(item.itemId, { files: [{ name, section, content }] }).version };
    },
    'item.archive': async ({ params }: Call<'item.archive'>) => {
      const item = find(params);
      const why = params.isArchived ? 'archived' : 'unarchived';
      await service.record(eventOf(service, 'item_archived', item, { why }));
      items().archive(item.itemId, params.isArchived);
      return {};
    },
    'item.restore': async ({ params }: Call<'item.restore'>) => {
      const item = find(params);
      await service.record(eventOf(service, 'item_restored', item, { count: params.version }));
      return { version: items().restore(item.itemId, params.version).version };
    },
    'item.delete': async ({ params }: Call<'item.delete'>) => {
      const item = find(params);
      await service.record(eventOf(service, 'item_deleted', item, {}));
      items().delete(item.itemId);
      return {};
    },
    'item.history': async ({ params }: Call<'item.history'>) => ({ versions: items().history(find(params).itemId) }),
    'item.candidates': async ({ params }: Call<'item.candidates'>) => {
      return items().candidates(params.collection ?? null, params.item, params.place ?? null);
    },
  } satisfies Partial<Handlers>;
}

/** The rows that give values out, and the one that takes many at once. */
export function itemValueHandlers(service: Service) {
  const exports = new Exports(service);
  return {
    'item.reveal': async (call: Call<'item.reveal'>) => await reveal(service, call),
    'item.file_get': async (call: Call<'item.file_get'>) => {
      const item = findItem(service, call.params);
      const { items } = service.unlocked();
      const [chosen] = items.openings.choose(item.itemId, [call.params.place]);
      if (chosen?.said.type !== 'file') throw new Failure('input/invalid', 'that is no file', { field: 'place' });
      await service.record(revealed(service, item, 'file', [chosen.said.label]));
      const [content] = service.unlocked().items.openings.openChosen(item.itemId, [chosen]);
      if (content !== undefined) call.setParts([content.reveal()]);
      return { file: chosen.said };
    },
    'item.import': async (call: Call<'item.import'>) => {
      const { collectionId, name: collection } = service.unlocked().collections.get(call.params.collection);
      using read = itemsOf(call.params.items, call.parts[0]);
      const facts = { collectionId, count: read.items.length };
      await service.record({ event: 'items_imported', facts, names: { collection } });
      const { items } = service.unlocked();
      const fresh = read.items.filter((item) => !isThere(items, collectionId, item));
      return { itemIds: items.import(collectionId, fresh), duplicates: read.items.length - fresh.length };
    },
    'item.export': async (call: Call<'item.export'>) => await exports.page(call),
  } satisfies Partial<Handlers>;
}

/**
 * Exports under way, each with the items it began with: a page is found again by its number whatever is changed, made or
 * deleted meanwhile. It ends with its connection.
 */
class Exports {
  readonly #service: Service;
  readonly #begun = new WeakMap<ServedConnection, { readonly collectionId: string; readonly ids: readonly string[] }>();

  constructor(service: Service) {
    this.#service = service;
  }

  async page(call: Call<'item.export'>) {
    const { fromItem, includeArchived } = call.params;
    const { collectionId, name: collection } = this.#service.unlocked().collections.get(call.params.collection);
    const ids = this.#idsFrom(call.connection, collectionId, fromItem);
    const facts = { collectionId, count: ids.length, tier: TIER_PASSPHRASE } as const;
    await this.#service.record({ event: 'items_exported', facts, names: { collection } });
    const { items, part, taken } = await exportPage(() => this.#service.unlocked().items, ids, includeArchived);
    call.setParts([part]);
    return { items, next: taken < ids.length ? fromItem + taken : null };
  }

  #idsFrom(connection: ServedConnection, collectionId: string, fromItem: number): readonly string[] {
    if (fromItem === 0)
      this.#begun.set(connection, { collectionId, ids: this.#service.unlocked().items.ids(collectionId) });
    const begun = this.#begun.get(connection);
    if (begun?.collectionId === collectionId) return begun.ids.slice(fromItem);
    throw new Failure('input/invalid', 'an export begins at its first item and keeps its connection', {
      field: 'fromItem',
    });
  }
}

type Named = { readonly collection?: string | undefined; readonly item: string };

function findItem(service: Service, { collection, item }: Named): Item {
  return service.unlocked().items.get(collection ?? null, item);
}

async function createItem(service: Service, call: Call<'item.create'>) {
  const { collection, title, category, tags, fields, files, sshKey } = call.params;
  if (sshKey !== undefined && category !== 'ssh-key') {
    throw new Failure('input/invalid', 'a key is made for items of the category ssh-key', { field: 'category' });
  }
  const { collectionId, name } = service.unlocked().collections.get(collection);
  using coats = coatsOf({ fields, files }, call.parts[0]);
  const made = sshKey === undefined ? [] : await sshKeyFields(sshKey);
  try {
    await service.record({
      event: 'item_created',
      facts: { collectionId },
      names: { collection: name, item: parseTitle(title, 'title') },
    });
    const draft = { title, category, tags, fields: [...coats.fields, ...made], files: coats.files };
    return { itemId: service.unlocked().items.create(collectionId, draft).itemId };
  } finally {
    for (const { value } of made) value.wipe();
  }
}

async function reveal(service: Service, call: Call<'item.reveal'>) {
  const { places, form } = call.params;
  const item = findItem(service, call.params);
  const { itemId } = item;
  const { items } = service.unlocked();
  const chosen =
    places.length > 0
      ? items.openings.choose(itemId, places)
      : items.openings.chooseSet(itemId, form === 'otp' ? 'otp' : null);
  if (chosen.some(({ said }) => said.type === 'file')) {
    throw new Failure('input/invalid', 'a file is not shown', { field: 'places', hint: 'use keystile item file save' });
  }
  const labels = chosen.map(({ said }) => said.label);
  await service.record(revealed(service, item, form, labels));
  const values = service.unlocked().items.openings.openChosen(itemId, chosen);
  const formed: Buffer[] = [];
  try {
    for (const value of values) formed.push(await applyForm(value.reveal(), form, Date.now()));
    call.setParts([packValues(formed)]);
  } finally {
    for (const value of values) value.wipe();
    for (const bytes of formed) bytes.fill(0);
  }
  return { fields: chosen.map(({ said }) => said) };
}

async function listPage(service: Service, { collection, isArchived = false, after = '' }: Call<'item.list'>['params']) {
  const { collectionId } = service.unlocked().collections.get(collection);
  const found: ItemSummary[] = [];
  let characters = 0;
  let looked = 0;
  const ids = service.unlocked().items.ids(collectionId);
  for (const itemId of ids.filter((id) => id > after)) {
    if (found.length >= LIST_ITEMS_MAX || characters > LIST_CHARACTERS_MAX) {
      return { items: found, next: found.at(-1)?.itemId ?? null };
    }
    looked += 1;
    if (looked % ITEMS_PER_TURN === 0) await setImmediate();
    const summary = service.unlocked().items.summary(itemId);
    if (summary === null || summary.isArchived !== isArchived) continue;
    found.push(summary);
    characters += JSON.stringify(summary).length;
  }
  return { items: found, next: null };
}

/** In many commits, so that nobody waits for a hundred thousand. When one fails, what is left stays whole. */
async function deleteItems(service: Service, collectionId: string, signal: AbortSignal): Promise<void> {
  const ids = service.unlocked().items.ids(collectionId);
  for (let at = 0; at < ids.length; at += ITEMS_PER_TURN) {
    // I3: whoever broke the command off does not want the rest to go.
    signal.throwIfAborted();
    const vault = service.unlocked();
    vault.transaction(() => {
      for (const itemId of ids.slice(at, at + ITEMS_PER_TURN))
        if (vault.items.summary(itemId)) vault.items.delete(itemId);
    });
    await setImmediate();
  }
}

function eventOf(
  service: Service,
  event: EventKind,
  { itemId, collectionId, title }: Item,
  facts: Pick<EventFacts, 'count' | 'why' | 'tier'>,
): AuditEvent {
  const { name: collection } = service.unlocked().collections.get(collectionId);
  return { event, facts: { collectionId, itemId, ...facts }, names: { collection, item: title } };
}

function revealed(service: Service, item: Item, why: string, labels: readonly string[]): AuditEvent {
  const facts = { why, count: labels.length, tier: TIER_PASSPHRASE } as const;
  const { names, ...event } = eventOf(service, 'revealed', item, facts);
  return { ...event, names: { ...names, variables: labels } };
}
