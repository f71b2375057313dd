// Exports of Bitwarden, of a person and of an organisation.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canary } from '../house.ts';
import { failureOf, itemCalled, json, readAs } from './fixtures.ts';

test('a login comes with its addresses, one-time password, custom fields and notes, and its folder as a tag', async () => {
  const vaults = await readAs(
    'bitwarden',
    json({
      encrypted: false,
      folders: [{ id: 'f1', name: 'Work/AWS' }],
      items: [
        {
          type: 1,
          name: 'Console',
          notes: 'a note',
          folderId: 'f1',
          passwordHistory: [{ password: 'old one' }],
          fields: [
            { name: 'account', value: '12', type: 0 },
            { name: 'secret', value: 's', type: 1 },
            { name: 'mfa', value: 'true', type: 2 },
            { name: 'pointer', value: null, type: 3, linkedId: 100 },
          ],
          login: {
            uris: [
              { match: null, uri: 'https://a.test' },
              { match: 3, uri: 'https://b.test' },
            ],
            username: 'ada',
            password: 'p',
            totp: 'JBSWY3DP',
            fido2Credentials: [{ keyValue: 'k' }],
          },
        },
      ],
    }),
  );
  assert.equal(vaults[0]?.name, null);
  assert.deepEqual(itemCalled(vaults, 'Console'), {
    title: 'Console',
    category: 'login',
    tags: ['Work/AWS'],
    isArchived: false,
    fields: {
      'username [text]': 'ada',
      'password [password]': 'p',
      'one-time password [otp]': 'JBSWY3DP',
      'website [url]': 'https://a.test',
      'website 2 [url]': 'https://b.test',
      'account [text]': '12',
      'secret [password]': 's',
      'mfa [text]': 'true',
      'notesPlain [notes]': 'a note',
    },
    files: {},
  });
});

test('cards, identities, notes, SSH keys and what came later are kept', async () => {
  const vaults = await readAs(
    'bitwarden',
    json({
      items: [
        { type: 2, name: 'Note', notes: 'n', secureNote: { type: 0 } },
        {
          type: 3,
          name: 'Card',
          card: { cardholderName: 'Ada', brand: 'Visa', number: '4111', expMonth: '4', expYear: '2030', code: '123' },
        },
        { type: 4, name: 'Me', identity: { firstName: 'Ada', ssn: '1', postalCode: 'N1', email: 'a@b.test' } },
        { type: 5, name: 'Key', sshKey: { privateKey: 'PEM', publicKey: 'pub', keyFingerprint: 'SHA256:x' } },
        { type: 9, name: 'Later', bankAccount: { iban: 'DE00' } },
        { type: 1, name: 'Gone', deletedDate: '2026-01-01', login: { password: 'x' } },
        { type: 1, name: 'Kept', archivedDate: '2026-01-01', login: { password: 'x' } },
        {
          type: 'constructor',
          name: 'Odd',
          login: { constructor: 'c' },
          fields: [{ name: 'f', value: 'v', type: 'toString' }],
        },
        null,
      ],
    }),
  );
  assert.deepEqual(itemCalled(vaults, 'Note').fields, { 'notesPlain [notes]': 'n' });
  assert.deepEqual(itemCalled(vaults, 'Card').tags, ['Credit Card']);
  assert.equal(itemCalled(vaults, 'Card').fields['number [password]'], '4111');
  assert.equal(itemCalled(vaults, 'Card').fields['exp year [text]'], '2030');
  assert.deepEqual(itemCalled(vaults, 'Me').fields, {
    'first name [text]': 'Ada',
    'ssn [password]': '1',
    'postal code [text]': 'N1',
    'email [email]': 'a@b.test',
  });
  assert.deepEqual(itemCalled(vaults, 'Key').category, 'ssh-key');
  assert.equal(itemCalled(vaults, 'Key').fields['private key [sshkey]'], 'PEM');
  assert.deepEqual(itemCalled(vaults, 'Later').fields, { 'iban [password]': 'DE00' });
  assert.equal(itemCalled(vaults, 'Kept').isArchived, true);
  assert.deepEqual(itemCalled(vaults, 'Odd').fields, { 'constructor [password]': 'c', 'f [password]': 'v' });
  assert.deepEqual(vaults[0]?.skipped, [
    { title: 'Gone', why: 'trashed' },
    { title: 'item 9', why: 'unreadable' },
  ]);
});

test('collections of an organisation become vaults; an item in two of them says so with a tag', async () => {
  const vaults = await readAs(
    'bitwarden',
    json({
      collections: [
        { id: 'c1', name: 'Ops' },
        { id: 'c2', name: 'Dev' },
      ],
      items: [
        { type: 1, name: 'Both', collectionIds: ['c1', 'c2'], login: { password: 'x' } },
        { type: 1, name: 'One', collectionIds: ['c2'], login: { password: 'x' } },
        { type: 1, name: 'None', collectionIds: null, login: { password: 'x' } },
      ],
    }),
  );
  assert.deepEqual(
    vaults.map(({ name, items }) => [name, items.map(({ title, tags }) => [title, tags])]),
    [
      ['Ops', [['Both', ['Dev']]]],
      ['Dev', [['One', []]]],
      [null, [['None', []]]],
    ],
  );
});

test('an encrypted export is refused with what to do, and other JSON by its lack of items', async () => {
  const value = canary();
  const encrypted = await failureOf('bitwarden', json({ encrypted: true, passwordProtected: true, data: value }), {}, [
    value,
  ]);
  assert.equal(encrypted.code, 'import/format');
  assert.match(encrypted.hint, /not \.json \(Encrypted\)/);
  assert.equal((await failureOf('bitwarden', json({ a: value }), {}, [value])).code, 'import/format');
  assert.equal((await failureOf('bitwarden', Buffer.from(`{"items": ${value}`), {}, [value])).code, 'import/damaged');
});
