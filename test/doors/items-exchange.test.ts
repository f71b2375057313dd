// Many items at once, as import and export send them: whole or not at all, page by page, byte for byte.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Failure } from '../../src/core/failure.ts';
import { homePaths } from '../../src/machine/paths.ts';
import { connect, type Connection } from '../../src/wire/client.ts';
import type { WholeItem } from '../../src/wire/item-shapes.ts';
import { House, PASSPHRASE } from '../house.ts';
import { failsWith } from '../vault/temporary-vault.ts';

const MIB = 1024 * 1024;

/** An item and its values, in order. */
interface Loaded {
  readonly item: WholeItem;
  readonly values: readonly Buffer[];
}

function load(title: string, fields: readonly Buffer[], files: readonly Buffer[] = [], isArchived = false): Loaded {
  return {
    item: {
      title,
      category: 'login',
      tags: ['imported'],
      isArchived,
      fields: fields.map(({ length: bytes }, i) => {
        return {
          label: i < 2 ? 'password' : `field ${i}`,
          section: i % 2 === 0 ? null : 'more',
          type: 'password',
          bytes,
        };
      }),
      files: files.map(({ length: bytes }, i) => ({ name: `file ${i}`, section: null, bytes })),
    },
    values: [...fields, ...files],
  };
}

async function send(daemon: Connection, collection: string, loaded: readonly Loaded[]): Promise<string[]> {
  const part = Buffer.concat(loaded.flatMap(({ values }) => values));
  const params = { collection, items: loaded.map(({ item }) => item) };
  return (await daemon.call('item.import', params, { parts: [part] })).result.itemIds;
}

/** Every page, cut apart again. */
async function receive(
  daemon: Connection,
  collection: string,
  includeArchived: boolean,
  first = 0,
): Promise<{ pages: number[]; items: Loaded[] }> {
  const items: Loaded[] = [];
  const pages: number[] = [];
  for (let from: number | null = first; from !== null;) {
    const params = { collection, fromItem: from, includeArchived };
    const answer: Awaited<ReturnType<typeof daemon.call<'item.export'>>> = await daemon.call('item.export', params, {
      parts: [Buffer.from(PASSPHRASE)],
    });
    const [part = Buffer.alloc(0)] = answer.parts;
    pages.push(part.length);
    let at = 0;
    for (const item of answer.result.items) {
      const values = [...item.fields, ...item.files].map(({ bytes }) => part.subarray(at, (at += bytes)));
      items.push({ item, values });
    }
    assert.equal(at, part.length);
    from = answer.result.next;
  }
  return { pages, items };
}

const byTitle = (loaded: readonly Loaded[]): Loaded[] =>
  loaded.toSorted((a, b) => (a.item.title < b.item.title ? -1 : 1));

describe('import and export', () => {
  let house: House;
  const control = async (): Promise<Connection> =>
    await connect({ paths: homePaths({ ...process.env, KEYSTILE_HOME: house.home }), socket: 'control' });

  before(async () => {
    house = await House.open();
    for (const name of ['work', 'other']) await house.ok(['vault', 'create', name]);
  });
  after(async () => await house[Symbol.asyncDispose]());

  test('what was imported is exported byte for byte, in pages that a frame can hold', async () => {
    using daemon = await control();
    const sent = Array.from({ length: 40 }, (_none, i) =>
      load(
        `item ${String(i).padStart(2, '0')}`,
        [randomBytes(i), Buffer.alloc(0), randomBytes(300_000)],
        i % 9 === 0 ? [randomBytes(10)] : [],
        i % 7 === 0,
      ),
    );
    const large = load('large', [randomBytes(5)], [randomBytes(25 * MIB)]);
    for (let at = 0; at < sent.length; at += 10) await send(daemon, 'work', sent.slice(at, at + 10));
    const [largeId] = await send(daemon, 'work', [large]);
    const { pages, items } = await receive(daemon, 'work', true);
    assert.deepEqual(byTitle(items), byTitle([...sent, large]));
    assert.ok(pages.length >= 4, `${pages.length} pages`);
    assert.ok(pages.every((bytes) => bytes <= 4 * MIB || bytes >= 25 * MIB));
    const live = await receive(daemon, 'work', false);
    assert.equal(live.items.length, [...sent, large].filter(({ item }) => !item.isArchived).length);
    const { stdout } = await house.keystile(['item', 'get', largeId ?? '']);
    assert.match(stdout, /26214400 bytes/);
  });

  test('an export keeps its place whatever is made and deleted meanwhile, and does not begin in the middle', async () => {
    using daemon = await control();
    const ids = await send(
      daemon,
      'other',
      Array.from({ length: 30 }, (_none, i) => load(`i${i}`, [randomBytes(400_000)])),
    );
    const first = await daemon.call(
      'item.export',
      { collection: 'other', fromItem: 0, includeArchived: true },
      { parts: [Buffer.from(PASSPHRASE)] },
    );
    const seen = first.result.items.map(({ title }) => title);
    const next = first.result.next ?? assert.fail('one page');
    // Every item that was seen goes, and others come: by their place in a list of now, the next page would skip some.
    for (const [i, itemId] of ids.entries())
      if (seen.includes(`i${i}`)) await daemon.call('item.delete', { item: itemId });
    await send(
      daemon,
      'other',
      Array.from({ length: 30 }, (_none, i) => load(`new ${i}`, [randomBytes(10)])),
    );
    const rest = await receive(daemon, 'other', true, next);
    seen.push(...rest.items.map(({ item }) => item.title));
    assert.deepEqual(seen.toSorted(), Array.from({ length: 30 }, (_none, i) => `i${i}`).toSorted());
    using another = await control();
    const middle = { collection: 'other', fromItem: next, includeArchived: true };
    await assert.rejects(
      another.call('item.export', middle, { parts: [Buffer.from(PASSPHRASE)] }),
      failsWith('input/invalid', 'fromItem'),
    );
  });

  test('an import is whole or nothing, and one that does not fit its part is refused', async () => {
    using daemon = await control();
    const count = async (): Promise<number> =>
      (await daemon.call('collection.list', {})).result.collections.find(({ name }) => name === 'other')?.itemCount ??
      0;
    const before = await count();
    const good = load('good', [Buffer.from('x')]);
    await assert.rejects(
      send(daemon, 'other', [good, load('\u202e', [Buffer.from('x')])]),
      failsWith('name/invalid', 'items[1].title'),
    );
    const params = { collection: 'other', items: [good.item] };
    for (const part of [Buffer.alloc(0), Buffer.from('xy')])
      await assert.rejects(daemon.call('item.import', params, { parts: [part] }), failsWith('input/invalid', 'parts'));
    await assert.rejects(daemon.call('item.import', { ...params, items: [] }), Failure);
    assert.equal(await count(), before);
  });

  test('an export needs the passphrase for every page, and each is on the record before it', async () => {
    using daemon = await control();
    const params = { collection: 'work', fromItem: 0, includeArchived: true };
    await assert.rejects(daemon.call('item.export', params), failsWith('human/needed'));
    await assert.rejects(
      daemon.call('item.export', params, { parts: [Buffer.from('wrong passphrase')] }),
      failsWith('vault/wrong_passphrase'),
    );
    const { events } = (await daemon.call('audit.list', { limit: 10_000 })).result;
    const exported = events.filter(({ event }) => event === 'items_exported');
    assert.ok(exported.length >= 8);
    assert.ok(exported.every(({ names }) => names?.collection === 'work' || names?.collection === 'other'));
  });
});
