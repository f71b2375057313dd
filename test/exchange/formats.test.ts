// All formats alike: they are told from content, and a file that was changed anywhere ends in items or in a Failure that
// holds nothing of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../src/core/failure.ts';
import { encryptBundle, generateIdentity } from '../../src/exchange/bundle.ts';
import { dropDuplicates } from '../../src/exchange/duplicates.ts';
import { detectFormat, FORMATS, readExport, type Format } from '../../src/exchange/formats.ts';
import type { ReadOptions } from '../../src/exchange/imported.ts';
import { assertNoCanary } from '../canaries.ts';
import { canary } from '../house.ts';
import { itemCalled, json, onePux, readAs, small, typing } from './fixtures.ts';
import { addEntry, newDatabase, PASSWORD, saved } from './keepass-files.ts';

const value = canary();
const { identity, recipient } = await generateIdentity('x25519');
const database = await newDatabase({ kdf: 'Aes', isCompressed: false });
addEntry(database, { Title: 'Site', '*Password': value });
const bitwarden = { items: [{ type: 1, name: 'Site', login: { username: 'ada', password: value } }] };
const item = { categoryUuid: '001', overview: { title: 'Site' }, details: { notesPlain: value } };

const FILES: Readonly<Record<Format, Buffer>> = {
  bundle: await encryptBundle(small(value), { kind: 'recipients', recipients: [recipient] }),
  '1pux': onePux([item]),
  bitwarden: json(bitwarden),
  keepass: await saved(database),
  csv: Buffer.from(`name,password\nSite,"${value}"\n`),
  dotenv: Buffer.from(`A='${value}'\nB="x"\n`),
};
const options: ReadOptions = { fileName: 'prod.env', password: typing(PASSWORD), identities: identity };

/** What a Failure of a reader may be. */
const CODES = /^(?:import\/(?:format|damaged|password)|input\/too_large|dotenv\/invalid)$/;

async function readOrFail(format: Format, bytes: Buffer): Promise<void> {
  try {
    await readExport(bytes, format, options);
  } catch (thrown) {
    assert.ok(thrown instanceof Failure && CODES.test(thrown.code), `${format}: ${String(thrown)}`);
    assertNoCanary(`${JSON.stringify(thrown.toDocument())} ${thrown.stack} ${String(thrown.cause)}`, value, format);
  }
}

for (const format of FORMATS) {
  test(`${format} is told from the file, and read`, async () => {
    const vaults = await readAs(format, FILES[format], options);
    assert.equal(itemCalled(vaults, format === 'dotenv' ? 'prod.env' : 'Site').title.length > 0, true);
  });

  test(`${format} that was changed or cut anywhere gives items or a Failure without a byte of it`, async () => {
    const whole = FILES[format];
    const change = fc.record({
      at: fc.nat(whole.length - 1),
      bytes: fc.uint8Array({ maxLength: 4 }),
      end: fc.nat(whole.length),
    });
    await fc.assert(
      fc.asyncProperty(change, fc.boolean(), async ({ at, bytes, end }, isCut) => {
        const parts = [whole.subarray(0, at), bytes, whole.subarray(at + bytes.length)];
        await readOrFail(format, Buffer.concat(parts).subarray(0, isCut ? end : undefined));
      }),
      { numRuns: 300 },
    );
  });

  test(`${format} that is anything at all gives items or a Failure`, async () => {
    const head = fc.constantFrom(Buffer.alloc(0), ...Object.values(FILES).map((file) => file.subarray(0, 24)));
    await fc.assert(
      fc.asyncProperty(head, fc.uint8Array({ maxLength: 200 }), async (start, bytes) => {
        await readOrFail(format, Buffer.concat([start, bytes]));
      }),
      { numRuns: 200 },
    );
  });
}

test('JSON of any shape in the place of an export gives items or a Failure', async () => {
  const names = fc.constantFrom(
    'items',
    'accounts',
    'vaults',
    'attrs',
    'name',
    'details',
    'overview',
    'sections',
    'fields',
    'value',
    'login',
    'uris',
    'type',
    'title',
    '__proto__',
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 8 },
      fc.jsonValue({ maxDepth: 1 }),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(names, tie('tree'), { maxKeys: 4 }),
    ),
  }));
  const shape = fc.dictionary(names, tree, { maxKeys: 4 });
  await fc.assert(
    fc.asyncProperty(shape, async (data) => {
      await readOrFail('bitwarden', json({ ...data, items: [data, ...Object.values(data)] }));
      await readOrFail('1pux', onePux([data, ...Object.values(data)]));
    }),
    { numRuns: 300 },
  );
});

test('a file that nobody knows has no format, and a dotenv file is one by its name', () => {
  assert.equal(detectFormat(Buffer.from('hello'), 'letter.txt'), null);
  assert.equal(detectFormat(Buffer.alloc(0), 'empty'), null);
  for (const name of ['.env', '.env.local', 'prod.env']) assert.equal(detectFormat(Buffer.from('A=1'), name), 'dotenv');
});

test('items that are alike in everything are kept once; one byte makes them different', async () => {
  const twice = { items: [...bitwarden.items, ...bitwarden.items, { ...bitwarden.items[0], name: 'Other' }] };
  const [vault] = await readAs('bitwarden', json(twice));
  const { kept, duplicates } = dropDuplicates(vault?.items ?? []);
  assert.deepEqual([kept.map(({ title }) => title), duplicates], [['Site', 'Other'], 1]);
  assert.equal(vault?.items[1]?.fields[0]?.value.byteLength, 0);
});
