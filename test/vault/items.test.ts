// Items told from outside the vault: what a reference finds, what stays of earlier versions, and what is in the file.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { Category, ChangedField, FieldType, NewFile, NewItem } from '../../src/core/item.ts';
import { FIELD_BYTES_MAX, ITEM_BYTES_MAX, VERSIONS_MAX } from '../../src/core/item.ts';
import { parseReference } from '../../src/core/reference.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { assertNoCanary, makeCanary } from '../canaries.ts';
import { failsWith, secret, temporaryVault, valueOf } from './temporary-vault.ts';

const field = (label: string, value: string, type: FieldType = 'password', section: string | null = null) => ({
  label,
  section,
  type,
  value: secret(value),
});
const file = (name: string, content: string, section: string | null = null): NewFile => ({
  name,
  section,
  content: secret(content),
});
const newItem = (
  title: string,
  fields: readonly ReturnType<typeof field>[] = [],
  files: readonly NewFile[] = [],
  category: Category = 'login',
): NewItem => ({ title, category, tags: [], fields, files });

const read = (vault: Vault, reference: string): string => valueOf(vault.sealedField(parseReference(reference)));
const refused = (vault: Vault, reference: string, code: 'name/not_found' | 'name/ambiguous'): void => {
  assert.throws(() => read(vault, reference), failsWith(code, 'reference'), reference);
};

test('a reference finds a field by names or ids, exactly, and with the section that is named', async (t) => {
  const { vault } = await temporaryVault(t);
  const { collectionId } = vault.collections.create('work');
  const item = vault.items.create(
    collectionId,
    newItem(
      'GitHub',
      [
        field('username', 'octocat', 'text'),
        field('password', 'first'),
        field('password', 'second', 'password', 'admin'),
        field('token', 'third', 'password', 'api'),
        field('note', '', 'text'),
      ],
      [file('id.pub', 'fourth'), file('id.pub', 'fifth', 'admin')],
    ),
  );
  const admin = item.sections.find(({ label }) => label === 'admin')?.sectionId ?? '';
  const token = item.fields.find(({ label }) => label === 'token')?.fieldId ?? '';
  const found: [string, string][] = [
    ['op://work/GitHub/username', 'octocat'],
    ['op://work/GitHub/password', 'first'],
    ['op://work/GitHub/admin/password', 'second'],
    [`op://${collectionId}/${item.itemId}/${admin}/password`, 'second'],
    ['op://work/GitHub/token', 'third'],
    [`op://work/GitHub/${token}`, 'third'],
    ['op://work/GitHub/id.pub', 'fourth'],
    ['op://work/GitHub/admin/id.pub', 'fifth'],
  ];
  for (const [reference, value] of found) assert.equal(read(vault, reference), value, reference);
  for (const absent of ['github/password', 'GitHub/Password', 'GitHub/api/password', 'GitHub/nowhere/password', 'x/y'])
    refused(vault, `op://work/${absent}`, 'name/not_found');
  assert.throws(() => read(vault, 'op://Work/GitHub/password'), failsWith('name/not_found'));
  assert.throws(() => read(vault, 'op://work/GitHub/note'), failsWith('vault/value_missing', 'reference'));
  const { concealed, maskable } = vault.sealedField(parseReference('op://work/GitHub/username'));
  assert.deepEqual([concealed, maskable], [false, false]);
});

test('more than one match is an error that says how many, and candidates are another question', async (t) => {
  const { vault } = await temporaryVault(t);
  const { collectionId } = vault.collections.create('work');
  const [one, two] = vault.items.import(collectionId, [
    newItem('same', [field('password', 'a'), field('password', 'b'), field('x', 'c', 'text', 's')]),
    newItem('same'),
  ]);
  assert.throws(() => read(vault, 'op://work/same/password'), /2 items have that title/);
  refused(vault, 'op://work/same/password', 'name/ambiguous');
  refused(vault, `op://work/${one}/password`, 'name/ambiguous');
  assert.equal(read(vault, `op://work/${one}/x`), 'c');
  const items = vault.items.candidates('work', 'same', null);
  assert.deepEqual(items.kind === 'items' && items.items.map(({ itemId }) => itemId), [one, two]);
  const fields = vault.items.candidates('work', one ?? '', { section: null, field: 'password' });
  assert.deepEqual(fields.kind === 'fields' && fields.fields.map(({ label }) => label), ['password', 'password']);
  vault.items.archive(two ?? '', true);
  refused(vault, 'op://work/same/password', 'name/ambiguous');
  assert.equal(read(vault, 'op://work/same/x'), 'c');
});

test('an item in the archive is found by its id only, and again by its title when it is back', async (t) => {
  const { vault } = await temporaryVault(t);
  const { collectionId } = vault.collections.create('work');
  const { itemId } = vault.items.create(collectionId, newItem('old', [field('password', 'kept')]));
  vault.items.archive(itemId, true);
  refused(vault, 'op://work/old/password', 'name/not_found');
  assert.equal(read(vault, `op://work/${itemId}/password`), 'kept');
  assert.equal(vault.collections.get('work').itemCount, 0);
  assert.equal(vault.collections.itemsIn(collectionId), 1);
  assert.equal(vault.items.get(null, itemId).version, 1);
  vault.items.archive(itemId, false);
  assert.equal(read(vault, 'op://work/old/password'), 'kept');
  assert.equal(vault.collections.get('work').itemCount, 1);
});

test('built-in fields have the ids that other programs know, and a second one of that name has its own', async (t) => {
  const { vault } = await temporaryVault(t);
  const { collectionId } = vault.collections.create('work');
  const draft = { title: 'db', tags: ['a', 'a', 'b'], files: [], category: 'database' as const };
  const untyped = (label: string, value: string): ChangedField => ({ ...field(label, value), type: null });
  const item = vault.items.create(collectionId, { ...draft, fields: [untyped('server', 'h'), untyped('more', 'm')] });
  assert.deepEqual(
    item.fields.map(({ fieldId, label, type }) => [fieldId.startsWith('field_') ? 'own' : fieldId, label, type]),
    [
      ['hostname', 'server', 'text'],
      ['own', 'more', 'password'],
    ],
  );
  assert.deepEqual(item.tags, ['a', 'b']);
  assert.equal(read(vault, 'op://work/db/hostname'), 'h');
  const [twice = ''] = vault.items.import(collectionId, [
    newItem('twice', [field('password', 'a', 'text'), field('password', 'b', 'text')]),
  ]);
  const { fields } = vault.items.get(null, twice);
  assert.deepEqual(fields[0]?.fieldId, 'password');
  assert.notEqual(fields[1]?.fieldId, 'password');
  assert.deepEqual(new Set(fields.map(({ type }) => type)), new Set(['password']), 'a password does not become text');
});

test('an edit writes what it changes and nothing else; the oldest version goes with what only it had', async (t) => {
  const { vault, files, reopen } = await temporaryVault(t);
  const { collectionId } = vault.collections.create('work');
  const { itemId } = vault.items.create(
    collectionId,
    newItem('key', [field('username', 'me', 'text'), field('password', 'v1')], [file('big', 'x'.repeat(200_000))]),
  );
  const before = readFileSync(`${files.vault}-wal`).length;
  for (let n = 2; n <= VERSIONS_MAX + 5; n += 1) vault.items.edit(itemId, { fields: [field('password', `v${n}`)] });
  const grown = readFileSync(`${files.vault}-wal`).length - before;
  assert.ok(grown < VERSIONS_MAX * 200_000, `${grown} bytes: the file was written again`);
  const history = vault.items.history(itemId);
  assert.equal(history.length, VERSIONS_MAX + 1);
  assert.deepEqual(history.at(-1)?.version, 5);
  assert.deepEqual(history[0]?.changed, ['password']);
  assert.throws(() => vault.items.restore(itemId, 4), failsWith('name/not_found'));
  vault.items.restore(itemId, 6);
  assert.equal(read(vault, 'op://work/key/password'), 'v6');
  vault.close();
  const again = reopen();
  assert.equal(read(again, 'op://work/key/password'), 'v6');
  assert.equal(read(again, 'op://work/key/username'), 'me');
  assert.equal(read(again, 'op://work/key/big').length, 200_000);
});

test('every limit is held, and nothing of a refused change stays', async (t) => {
  const { vault } = await temporaryVault(t);
  const { collectionId } = vault.collections.create('work');
  const big = 'x'.repeat(FIELD_BYTES_MAX);
  const { revision } = vault;
  assert.throws(
    () => vault.items.create(collectionId, newItem('a', [field('p', `${big}x`)])),
    failsWith('input/too_large'),
  );
  const many = Array.from({ length: ITEM_BYTES_MAX / FIELD_BYTES_MAX + 1 }, (_none, i) => field(`f${i}`, big));
  assert.throws(() => vault.items.create(collectionId, newItem('a', many)), failsWith('vault/limit'));
  const tooMany = Array.from({ length: 501 }, (_none, i) => field(`f${i}`, 'x'));
  assert.throws(() => vault.items.create(collectionId, newItem('a', tooMany)), failsWith('vault/limit'));
  assert.throws(
    () => vault.items.import(collectionId, [newItem('fine'), newItem('fine', [field('\u0007', 'x')])]),
    failsWith('name/invalid', 'items[1].fields[0].label'),
  );
  assert.throws(() => vault.items.create(collectionId, newItem(' a')), failsWith('name/invalid', 'title'));
  assert.equal(vault.revision, revision);
  assert.deepEqual(vault.items.ids(collectionId), []);
  assert.throws(() => vault.collections.create('work'), failsWith('name/taken'));
  vault.items.create(collectionId, newItem('a'));
  assert.throws(() => vault.collections.delete(collectionId), failsWith('vault/limit'));
});

test('C01: no title, label, tag, section, file name or value of an item is in any file, not even of a deleted one', async (t) => {
  const { vault, files } = await temporaryVault(t);
  const canaries = ['value', 'content', 'old'].map((label) => makeCanary(label));
  const [value = '', content = '', old = ''] = canaries;
  const names = ['canary vault', 'canary title', 'canary label', 'canary tag', 'canary section', 'canary.file'];
  const [collection = '', title = '', label = '', tag = '', section = '', fileName = ''] = names;
  const all = [...canaries, ...names, 'canary title two'];
  const sweep = (when: string): void => {
    for (const name of readdirSync(dirname(files.vault)))
      assertNoCanary(readFileSync(join(dirname(files.vault), name)), all, `${name}, ${when}`);
  };
  const { collectionId } = vault.collections.create(collection);
  const draft = newItem(title, [field(label, old, 'password', section)], [file(fileName, content)]);
  const { itemId } = vault.items.create(collectionId, { ...draft, tags: [tag] });
  vault.items.edit(itemId, { title: 'canary title two', fields: [field(label, value, 'password', section)] });
  sweep('while open');
  vault.items.delete(itemId);
  vault.collections.delete(collectionId);
  sweep('after deleting');
  vault.close();
  sweep('after closing');
});
