// Bundles: what goes in comes out byte for byte, for whom it was meant and for nobody else.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { armor } from 'age-encryption';
import fc from 'fast-check';
import { CATEGORIES, FIELD_BYTES_MAX, FIELD_TYPES, FILE_BYTES_MAX, type NewItem } from '../../src/core/item.ts';
import { parseTitle } from '../../src/core/names.ts';
import { Failure } from '../../src/core/failure.ts';
import { Secret } from '../../src/core/secret.ts';
import { encryptBundle, generateIdentity, generateIdentityBeside, type BundleKeys } from '../../src/exchange/bundle.ts';
import { readContainer, writeContainer, type BundledVault } from '../../src/exchange/container.ts';
import { assertNoCanary } from '../canaries.ts';
import { canary } from '../house.ts';
import { failureOf, itemCalled, readAs, said, secretOf, small } from './fixtures.ts';

function isName(text: string): boolean {
  try {
    return parseTitle(text) === text;
  } catch {
    return false;
  }
}

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter(isName);
const section = fc.option(name);
const value = fc.uint8Array({ maxLength: 64 }).map((bytes) => new Secret(Buffer.from(bytes)));
const item: fc.Arbitrary<NewItem> = fc.record({
  title: name,
  category: fc.constantFrom(...CATEGORIES),
  tags: fc.uniqueArray(name, { maxLength: 3 }),
  fields: fc.array(fc.record({ label: name, section, type: fc.constantFrom(...FIELD_TYPES), value }), {
    minLength: 1,
    maxLength: 4,
  }),
  files: fc.array(fc.record({ name, section, content: value }), { maxLength: 2 }),
  isArchived: fc.boolean(),
});
const vaults: fc.Arbitrary<BundledVault[]> = fc.array(fc.record({ name, items: fc.array(item, { maxLength: 3 }) }), {
  maxLength: 3,
});

test('what goes into a container comes out byte for byte, and the same items give the same bytes', () => {
  fc.assert(
    fc.property(vaults, (given) => {
      const container = writeContainer(given);
      assert.deepEqual(writeContainer(given), container);
      const read = readContainer(container);
      assert.deepEqual(
        read.map((vault) => [vault.name, vault.items.map(said)]),
        given.map((vault) => [vault.name, vault.items.map(said)]),
      );
      assert.deepEqual(
        read.flatMap((vault) => vault.skipped),
        [],
      );
      assert.deepEqual(
        writeContainer(read.map((vault) => ({ name: vault.name ?? '', items: vault.items }))),
        container,
      );
    }),
    { numRuns: 500 },
  );
});

test('the largest field and file there may be come out as they went in', async () => {
  const [field, file] = [Buffer.alloc(FIELD_BYTES_MAX, 'f'), Buffer.alloc(FILE_BYTES_MAX, Buffer.from([0, 255, 10]))];
  const large: NewItem = {
    title: 'Large',
    category: 'document',
    tags: [],
    fields: [{ label: 'f', section: null, type: 'text', value: secretOf(field) }],
    files: [{ name: 'x', section: 's', content: secretOf(file) }],
  };
  const { identity, recipient } = await generateIdentity();
  const bundle = await encryptBundle([{ name: 'v', items: [large] }], { kind: 'recipients', recipients: [recipient] });
  const [vault] = await readAs('bundle', bundle, { identities: identity });
  assert.ok(vault?.items[0]?.fields[0]?.value.reveal().equals(field));
  assert.ok(vault?.items[0]?.files[0]?.content.reveal().equals(file));
});

test('a container that was cut or changed gives its items or a Failure, and keeps its limits', () => {
  const whole = writeContainer(small('some value'));
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, end) => {
      const broken = Buffer.from(whole.subarray(0, end));
      if (at < broken.length) broken[at] = byte;
      try {
        for (const vault of readContainer(broken)) assert.ok(vault.name === null || isName(vault.name));
      } catch (error) {
        assert.ok(error instanceof Failure && error.code.startsWith('import/'), String(error));
      }
    }),
    { numRuns: 3_000 },
  );
});

for (const kind of ['hybrid', 'x25519'] as const) {
  test(`a bundle for a ${kind} recipient opens with its identity only, armored or not`, async () => {
    const value = canary();
    const [ours, other] = [await generateIdentity(kind), await generateIdentity(kind)];
    assert.match(ours.recipient, kind === 'hybrid' ? /^age1pq1/ : /^age1/);
    const keys: BundleKeys = { kind: 'recipients', recipients: [other.recipient, ours.recipient] };
    const bundle = await encryptBundle(small(value), keys);
    assertNoCanary(bundle, value);
    const file = secretOf(`# a comment\n\n${ours.identity.reveal().toString()}\n`);
    for (const bytes of [bundle, Buffer.from(armor.encode(bundle))]) {
      assert.equal(
        itemCalled(await readAs('bundle', bytes, { identities: file }), 'Site').fields['password [password]'],
        value,
      );
    }
    const stranger = await generateIdentity(kind);
    const codes = async (bytes: Buffer, identities: Secret): Promise<string> =>
      (await failureOf('bundle', bytes, { identities }, [value])).code;
    assert.equal(await codes(bundle, stranger.identity), 'import/password');
    assert.equal(await codes(bundle, secretOf('AGE-PLUGIN-X-1QQQ')), 'import/password');
    assert.equal(await codes(bundle.subarray(0, -5), ours.identity), 'import/damaged');
    const changed = Buffer.from(bundle);
    changed[bundle.length - 1]! ^= 1;
    assert.equal(await codes(changed, ours.identity), 'import/damaged');
    assert.equal((await failureOf('bundle', bundle)).code, 'import/password');
  });
}

test('what is no recipient is refused and not repeated', async () => {
  const { identity } = await generateIdentity();
  const text = identity.reveal().toString();
  for (const recipient of [text, 'age1nonsense', 'ssh-ed25519 AAAA', '']) {
    await assert.rejects(encryptBundle([], { kind: 'recipients', recipients: [recipient] }), (error) => {
      assert.ok(error instanceof Failure && error.code === 'input/invalid');
      assertNoCanary(JSON.stringify(error.toDocument()), text);
      return true;
    });
  }
  await assert.rejects(encryptBundle([], { kind: 'recipients', recipients: [] }), Failure);
});

test('post-quantum recipients and others do not go together, and a new identity is of the kind of the others', async () => {
  const [hybrid, older] = [await generateIdentity(), await generateIdentity('x25519')];
  const recipients = [hybrid.recipient, older.recipient];
  await assert.rejects(encryptBundle(small('x'), { kind: 'recipients', recipients }), Failure);
  assert.match((await generateIdentityBeside([])).recipient, /^age1pq1/);
  assert.match((await generateIdentityBeside([hybrid.recipient])).recipient, /^age1pq1/);
  assert.match((await generateIdentityBeside([older.recipient])).recipient, /^age1[^p]/);
});

test('an age file with something else in it, and a later version, are refused as formats', async () => {
  const { identity, recipient } = await generateIdentity();
  const { Encrypter } = await import('age-encryption');
  for (const text of ['a letter', 'keystile-bundle 2\n', '']) {
    const encrypter = new Encrypter();
    encrypter.addRecipient(recipient);
    const bytes = Buffer.from(await encrypter.encrypt(text));
    assert.equal((await failureOf('bundle', bytes, { identities: identity })).code, 'import/format');
  }
});
