// A vault of many items: it is filled in batches, listed in pages, and any of them is found at once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { homePaths } from '../../src/machine/paths.ts';
import { connect } from '../../src/wire/client.ts';
import { House } from '../house.ts';

const ITEMS = 4_000;
const BATCH = 500;
const VALUE = 'x'.repeat(24);

test(`${ITEMS} items are imported in batches, listed in pages, found by title and deleted`, async () => {
  await using house = await House.open();
  await house.ok(['vault', 'create', 'many']);
  using daemon = await connect({ paths: homePaths({ ...process.env, KEYSTILE_HOME: house.home }), socket: 'control' });
  for (let at = 0; at < ITEMS; at += BATCH) {
    const items = Array.from({ length: BATCH }, (_none, i) => ({
      title: `item ${at + i}`,
      category: 'login' as const,
      tags: ['imported'],
      fields: [{ label: 'password', section: null, type: 'password' as const, bytes: VALUE.length }],
      files: [],
    }));
    const part = Buffer.from(VALUE.repeat(BATCH));
    await daemon.call('item.import', { collection: 'many', items }, { parts: [part] });
  }
  const seen = new Set<string>();
  let pages = 0;
  for (let after: string | null = ''; after !== null; pages += 1) {
    const page: Awaited<ReturnType<typeof daemon.call<'item.list'>>> = await daemon.call('item.list', {
      collection: 'many',
      after,
    });
    for (const { itemId } of page.result.items) seen.add(itemId);
    after = page.result.next;
  }
  assert.deepEqual([seen.size, pages > 1], [ITEMS, true]);
  const { result } = await daemon.call('item.get', { item: 'item 3777' });
  assert.ok(seen.has(result.item.itemId));
  const { items } = await house.json<{ items: { title: string }[] }>(['item', 'list']);
  assert.equal(items.length, ITEMS);
  await daemon.call('collection.delete', { collection: 'many', withItems: true });
  assert.deepEqual((await daemon.call('collection.list', {})).result.collections, []);
});
