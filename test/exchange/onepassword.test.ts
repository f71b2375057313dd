// Exports of 1Password: every category and kind of field, and archives that lie.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIELD_BYTES_MAX, FILE_BYTES_MAX } from '../../src/core/item.ts';
import { readExport } from '../../src/exchange/formats.ts';
import { JSON_BYTES_MAX } from '../../src/exchange/json-tree.ts';
import { canary } from '../house.ts';
import { claiming, failureOf, itemCalled, json, onePux, readAs, zip } from './fixtures.ts';

const PRIVATE_KEY = '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIB\n-----END PRIVATE KEY-----\n';

function item(categoryUuid: string, title: string, details: object, more: object = {}): object {
  return { uuid: 'u', state: 'active', categoryUuid, details, overview: { title, tags: ['team'] }, ...more };
}

const field = (title: string, value: object): object => ({ title, id: title, value });

test('a login comes with its fields, sections, addresses, notes, tags and one-time password', async () => {
  const details = {
    loginFields: [
      { value: 'ada', id: '1', name: 'u', fieldType: 'T', designation: 'username' },
      { value: 'p w', id: '2', name: 'p', fieldType: 'P', designation: 'password' },
      { value: '4711', id: '3', name: 'pin', fieldType: 'P' },
      { value: 'Sign in', id: '4', name: 'submit', fieldType: 'I' },
    ],
    notesPlain: 'a note\nof two lines',
    passwordHistory: [{ value: 'old one', time: 1 }],
    sections: [
      {
        title: 'Security',
        fields: [
          field('one-time password', { totp: 'otpauth://totp/x?secret=ABCD' }),
          field('answer', { concealed: 'blue' }),
          field('mail', { email: { email_address: 'ada@example.com', provider: null } }),
          field('since', { date: 1_700_000_000 }),
          field('until', { monthYear: 202_701 }),
          field('home', { address: { street: 'One Street', city: 'London', zip: 'N1', country: 'gb', state: '' } }),
          field('new kind', { somethingNew: { a: 1 } }),
          field('unset', { string: '' }),
        ],
      },
      { title: '', fields: [field('plain', { string: 'text' })] },
    ],
  };
  const overview = {
    title: 'Site',
    url: 'https://a.test',
    urls: [{ url: 'https://a.test' }, { url: 'https://b.test' }],
  };
  const vaults = await readAs('1pux', onePux([item('001', 'Site', details, { overview, state: 'archived' })]));
  assert.equal(vaults[0]?.name, 'Private');
  assert.deepEqual(itemCalled(vaults, 'Site'), {
    title: 'Site',
    category: 'login',
    tags: [],
    isArchived: true,
    fields: {
      'username [text]': 'ada',
      'password [password]': 'p w',
      'web form/pin [password]': '4711',
      'Security/one-time password [otp]': 'otpauth://totp/x?secret=ABCD',
      'Security/answer [password]': 'blue',
      'Security/mail [email]': 'ada@example.com',
      'Security/since [date]': '2023-11-14',
      'Security/until [monthYear]': '202701',
      'Security/home [text]': 'One Street\nLondon\nN1\ngb',
      'Security/new kind [password]': '{"a":1}',
      'plain [text]': 'text',
      'notesPlain [notes]': 'a note\nof two lines',
      'website [url]': 'https://a.test',
      'website 2 [url]': 'https://b.test',
    },
    files: {},
  });
});

test('every category becomes ours or the nearest of ours, with a tag that says what it was', async () => {
  const numbers = Array.from({ length: 15 }, (_, k) => String(k + 101)).concat(
    '001',
    '002',
    '003',
    '004',
    '005',
    '006',
    '100',
    '999',
  );
  const vaults = await readAs('1pux', onePux(numbers.map((number) => item(number, number, { notesPlain: 'x' }))));
  const seen = Object.fromEntries(numbers.map((number) => [number, itemCalled(vaults, number)]));
  for (const [number, category] of Object.entries({
    '001': 'login',
    '003': 'secure-note',
    '005': 'password',
    '006': 'document',
    '102': 'database',
    '112': 'api-credential',
    '114': 'ssh-key',
  })) {
    assert.equal(seen[number]?.category, category);
    assert.deepEqual(seen[number]?.tags, ['team']);
  }
  assert.deepEqual([seen['002']?.category, seen['002']?.tags], ['secure-note', ['Credit Card', 'team']]);
  assert.deepEqual([seen['110']?.category, seen['110']?.tags], ['login', ['Server', 'team']]);
  assert.deepEqual([seen['999']?.category, seen['999']?.tags], ['secure-note', ['Other', 'team']]);
});

test('what is named as members of every object is not taken for what this program knows', async () => {
  const details = {
    loginFields: [{ name: 'x', fieldType: 'constructor', value: 'a' }],
    sections: [{ title: 's', fields: [field('y', { toString: 'b', constructor: 'c' })] }],
  };
  const item_ = itemCalled(await readAs('1pux', onePux([item('constructor', 'Odd', details)])), 'Odd');
  assert.deepEqual([item_.category, item_.tags], ['secure-note', ['Other', 'team']]);
  assert.deepEqual(Object.keys(item_.fields), ['web form/x [text]', 's/y [password]']);
});

test('an SSH key comes as the PEM that 1Password keeps in its metadata', async () => {
  const sshKey = {
    privateKey: 'as it was pasted',
    metadata: { privateKey: PRIVATE_KEY, publicKey: 'ssh-ed25519 AAAA', fingerprint: 'SHA256:x', keyType: 'ed25519' },
  };
  const details = { sections: [{ title: '', fields: [field('private key', { sshKey })] }] };
  assert.deepEqual(itemCalled(await readAs('1pux', onePux([item('114', 'Key', details)])), 'Key').fields, {
    'private key [sshkey]': PRIVATE_KEY,
    'public key [text]': 'ssh-ed25519 AAAA',
    'fingerprint [text]': 'SHA256:x',
    'key type [text]': 'ed25519',
  });
});

test('documents and attachments come with their bytes; an item whose file is missing is named', async () => {
  const document = { documentAttributes: { fileName: 'scan.pdf', documentId: 'doc1', decryptedSize: 4 } };
  const attachment = {
    notesPlain: 'see file',
    sections: [{ title: 'Files', fields: [field('f', { file: { fileName: 'a.bin', documentId: 'doc2' } })] }],
  };
  const lost = { documentAttributes: { fileName: '../../etc/passwd', documentId: 'doc3' } };
  const large = { documentAttributes: { fileName: 'large', documentId: 'doc4' } };
  const vaults = await readAs(
    '1pux',
    onePux(
      [
        item('006', 'Scan', document),
        item('003', 'Note', attachment),
        item('006', 'Lost', lost),
        item('006', 'Large', large),
      ],
      {
        'files/doc1__scan.pdf': Buffer.from([1, 2, 0, 255]),
        'files/doc2__a.bin': Buffer.from('attached'),
        'files/doc4__large': new Uint8Array(FILE_BYTES_MAX + 1),
      },
    ),
  );
  assert.deepEqual(itemCalled(vaults, 'Scan').files, { 'scan.pdf': '\u0001\u0002\u0000\u00ff' });
  assert.deepEqual(itemCalled(vaults, 'Note').files, { 'Files/a.bin': 'attached' });
  assert.deepEqual(vaults[0]?.skipped, [
    { title: 'Lost', why: 'file-missing' },
    { title: 'Large', why: 'file-too-large' },
  ]);
});

test('items of two levels, in the trash, without content, too large or of no shape are taken or named', async () => {
  const vaults = await readAs(
    '1pux',
    onePux([
      { item: item('003', 'Deeper', { notesPlain: 'x' }) },
      item('003', 'Binned', { notesPlain: 'x' }, { trashed: true }),
      item('003', 'Nothing', {}),
      item('003', 'Large', { notesPlain: 'x'.repeat(FIELD_BYTES_MAX + 1) }),
      'no item',
      { overview: null, details: [], categoryUuid: {} },
    ]),
  );
  assert.deepEqual(
    vaults[0]?.items.map(({ title }) => title),
    ['Deeper'],
  );
  assert.deepEqual(vaults[0]?.skipped, [
    { title: 'Binned', why: 'trashed' },
    { title: 'Nothing', why: 'empty' },
    { title: 'Large', why: 'field-too-large' },
    { title: 'item 5', why: 'unreadable' },
    { title: 'untitled', why: 'empty' },
  ]);
});

test('another archive, broken JSON and a bomb are refused without a word of what is in them', async () => {
  const value = canary();
  const codes = async (bytes: Buffer): Promise<string> => (await failureOf('1pux', bytes, {}, [value])).code;
  assert.equal(await codes(zip({ 'data.json': json({ value }) })), 'import/format');
  assert.equal(await codes(zip({ 'export.data': Buffer.from(`{"accounts": "${value}`) })), 'import/damaged');
  assert.equal(await codes(zip({ 'export.data': json([value]) })), 'import/damaged');
  assert.equal(await codes(zip({ 'export.data': Buffer.from([0x7b, 0xff]) })), 'import/damaged');
  assert.equal(await codes(claiming(zip({ 'export.data': json({ value }) }), JSON_BYTES_MAX + 1)), 'input/too_large');
  const whole = onePux([item('003', 'x', { notesPlain: value })]);
  assert.equal(await codes(whole.subarray(0, -30)), 'import/damaged');
});

test('JSON that is nested a million deep is read or refused, and does not end the process', async () => {
  const deep = `{"accounts":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`;
  assert.deepEqual(await readExport(zip({ 'export.data': Buffer.from(deep) }), '1pux', { fileName: 'x' }), []);
  const item = `{"overview":{"title":"t"},"details":{"sections":[{"fields":[{"title":"f","value":{"x":${'{"x":'.repeat(100_000)}1${'}'.repeat(100_000)}}}]}]}}`;
  const nested = Buffer.from(`{"accounts":[{"vaults":[{"attrs":{},"items":[${item}]}]}]}`);
  assert.equal((await failureOf('1pux', zip({ 'export.data': nested }))).code, 'import/damaged');
});
