// KeePass databases: of every version, cipher and key derivation, and those that are made to cost.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import kdbxweb from 'kdbxweb';
import { otpAddress } from '../../src/exchange/keepass-otp.ts';
import { canary } from '../house.ts';
import { failureOf, itemCalled, readAs, secretOf, typing } from './fixtures.ts';
import { addEntry, newDatabase, PASSWORD, saved, savedAs, setNumber, type DatabaseSettings } from './keepass-files.ts';

const password = typing(PASSWORD);

const KINDS: readonly DatabaseSettings[] = [
  { version: 3 },
  { version: 3, isCompressed: false },
  { version: 4, kdf: 'Argon2id', cipher: 'Aes' },
  { version: 4, kdf: 'Argon2d', cipher: 'ChaCha20' },
  { version: 4, kdf: 'Aes', cipher: 'ChaCha20', isCompressed: false },
];

for (const kind of KINDS) {
  test(`a database of ${JSON.stringify(kind)} comes with its fields, groups and attachments`, async () => {
    const database = await newDatabase(kind);
    const work = database.createGroup(database.createGroup(database.getDefaultGroup(), 'Work'), 'AWS');
    const fields = { Title: 'Console', UserName: 'ada', '*Password': 'pä w', URL: 'https://a.test', Notes: 'a\nb' };
    const more = {
      KP2A_URL: 'https://b.test',
      account: '12',
      '*secret key': 's',
      '*otp': 'otpauth://totp/x?secret=AB',
    };
    const entry = addEntry(database, { ...fields, ...more }, work);
    entry.tags = ['prod'];
    entry.binaries.set('key.pem', await database.createBinary(new Uint8Array([1, 0, 255]).buffer));
    entry.pushHistory();
    const vaults = await readAs('keepass', await saved(database), { password });
    assert.deepEqual(
      vaults.map(({ name, items, skipped }) => [name, items.length, skipped]),
      [['Family', 1, []]],
    );
    assert.deepEqual(itemCalled(vaults, 'Console'), {
      title: 'Console',
      category: 'login',
      tags: ['Work/AWS', 'prod'],
      isArchived: false,
      fields: {
        'username [text]': 'ada',
        'password [password]': 'pä w',
        'website [url]': 'https://a.test',
        'notesPlain [notes]': 'a\nb',
        'website 2 [url]': 'https://b.test',
        'account [text]': '12',
        'secret key [password]': 's',
        'one-time password [otp]': 'otpauth://totp/x?secret=AB',
      },
      files: { 'key.pem': '\u0001\u0000\u00ff' },
    });
  });
}

test('fields that are named as members of every object are fields, and groups may be deep', async () => {
  const database = await newDatabase({ kdf: 'Aes' });
  let group = database.getDefaultGroup();
  for (let depth = 0; depth < 500; depth += 1) group = database.createGroup(group, 'deeper');
  addEntry(database, { Title: 'x', constructor: 'a', __proto__x: 'b', '7': 'c', '*toString': 'd' }, group);
  const vaults = await readAs('keepass', await saved(database), { password });
  const item = itemCalled(vaults, 'x');
  assert.deepEqual(item.fields, {
    'constructor [text]': 'a',
    '__proto__x [text]': 'b',
    '7 [text]': 'c',
    'toString [password]': 'd',
  });
  assert.match(item.tags[0] ?? '', /^deeper\/deeper.*…$/);
});

test('what is in the recycle bin is left out by name, and a note is a note', async () => {
  const database = await newDatabase();
  database.createRecycleBin();
  database.remove(addEntry(database, { Title: 'Gone', '*Password': 'x' }));
  addEntry(database, { Title: 'Note', Notes: 'only text' });
  const vaults = await readAs('keepass', await saved(database), { password });
  assert.deepEqual(vaults[0]?.skipped, [{ title: 'Gone', why: 'trashed' }]);
  assert.equal(itemCalled(vaults, 'Note').category, 'secure-note');
});

test('a reference to a field of another entry is followed, one that leads nowhere stays', async () => {
  const database = await newDatabase();
  const first = addEntry(database, { Title: 'First', UserName: 'ada', '*Password': 'shared' });
  const id = Buffer.from(first.uuid.toBytes()).toString('hex').toUpperCase();
  const nowhere = `{REF:P@I:${'0'.repeat(32)}}`;
  const references = { UserName: `{REF:U@I:${id}}`, '*Password': `{REF:P@I:${id}}`, URL: nowhere };
  addEntry(database, { Title: 'Second', ...references });
  const vaults = await readAs('keepass', await saved(database), { password });
  assert.deepEqual(itemCalled(vaults, 'Second').fields, {
    'username [text]': 'ada',
    'password [password]': 'shared',
    'website [url]': nowhere,
  });
});

test('a key file opens a database with a password or without one', async () => {
  for (const version of [1, 2]) {
    const keyFile = await kdbxweb.Credentials.createRandomKeyFile(version);
    for (const typed of [PASSWORD, null]) {
      const database = await newDatabase({ keyFile, password: typed });
      addEntry(database, { Title: 'x', '*Password': 'y' });
      const bytes = await saved(database);
      const options = { password: typing(typed ?? ''), keyFile: secretOf(Buffer.from(keyFile)) };
      assert.equal((await readAs('keepass', bytes, options))[0]?.items.length, 1);
      assert.equal((await failureOf('keepass', bytes, { password })).code, 'import/password');
    }
  }
});

test('a wrong password and damage are told apart, without a word of what is inside', async () => {
  const value = canary();
  for (const version of [3, 4] as const) {
    const database = await newDatabase({ version });
    addEntry(database, { Title: value, '*Password': value });
    const bytes = await saved(database);
    assert.equal((await failureOf('keepass', bytes, { password: typing(value) }, [value])).code, 'import/password');
    assert.equal((await failureOf('keepass', bytes.subarray(0, 40), { password }, [value])).code, 'import/damaged');
    const cut = await failureOf('keepass', bytes.subarray(0, -100), { password }, [value]);
    assert.ok(['import/damaged', 'import/password'].includes(cut.code), cut.code);
    const changed = Buffer.from(bytes);
    changed[Math.floor(bytes.length * 0.8)]! ^= 1;
    const failure = await failureOf('keepass', changed, { password }, [value]);
    assert.ok(['import/damaged', 'import/password'].includes(failure.code), failure.code);
  }
  const older = Buffer.from([0x03, 0xd9, 0xa2, 0x9a, 0x65, 0xfb, 0x4b, 0xb5, 3, 0, 1, 0]);
  assert.equal((await failureOf('keepass', older, { password })).code, 'import/format');
});

test('a header that asks for a costly key derivation is refused before the password is asked for', async () => {
  const asked = (): never => assert.fail('the password was asked for');
  const costs: readonly [DatabaseSettings, string, number][] = [
    [{ kdf: 'Argon2id' }, 'M', 64 * 1024 ** 3],
    [{ kdf: 'Argon2id' }, 'I', 1_000_000_000],
    [{ kdf: 'Argon2d' }, 'P', 100_000],
    [{ kdf: 'Aes' }, 'R', 2 ** 50],
  ];
  for (const [settings, name, value] of costs) {
    const database = await newDatabase(settings);
    const bytes = await saved(database);
    setNumber(database, name, value);
    const header = new kdbxweb.BinaryStream();
    database.header.write(header);
    const failure = await failureOf('keepass', Buffer.from(header.getWrittenBytes()), { password: asked });
    assert.equal(failure.code, 'input/too_large', `${name} ${value}`);
    assert.ok(bytes.length > 0);
  }
  const old = await newDatabase({ version: 3 });
  old.header.generateSalts();
  old.header.keyEncryptionRounds = 2 ** 50;
  const header = new kdbxweb.BinaryStream();
  old.header.write(header);
  const failure = await failureOf('keepass', Buffer.from(header.getWrittenBytes()), { password: asked });
  assert.equal(failure.code, 'input/too_large');
});

test('entities are not expanded and no file is named by them; broken and deep XML is refused', async () => {
  const value = canary();
  const lol = Array.from(
    { length: 20 },
    (_, k) => `<!ENTITY l${k + 1} "&l${k};&l${k};&l${k};&l${k};&l${k};&l${k};&l${k};&l${k};">`,
  ).join('');
  const hostile = {
    laughs: `<!DOCTYPE x [<!ENTITY l0 "${value}">${lol}]><KeePassFile><Meta/><Root><Group><Name>&l20;</Name></Group></Root></KeePassFile>`,
    file: '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><KeePassFile><Meta/><Root><Group><Name>&f;</Name></Group></Root></KeePassFile>',
    broken: `<KeePassFile><Meta>${value}`,
    deep: `<KeePassFile><Meta/><Root>${'<Group>'.repeat(50_000)}${'</Group>'.repeat(50_000)}</Root></KeePassFile>`,
    base64: `<KeePassFile><Meta/><Root><Group><Entry><String><Key>Password</Key><Value Protected="True">${value}</Value></String></Entry></Group></Root></KeePassFile>`,
  };
  for (const [name, xml] of Object.entries(hostile)) {
    const bytes = await savedAs(await newDatabase({ kdf: 'Aes' }), xml);
    try {
      const vaults = await readAs('keepass', bytes, { password });
      assert.ok(!['laughs', 'file', 'broken'].includes(name), `${name} was read`);
      assert.ok(vaults.every(({ items }) => items.every(({ title }) => title.length <= 128)));
    } catch {
      assert.equal((await failureOf('keepass', bytes, { password }, [value])).code, 'import/damaged', name);
    }
  }
});

const OTPS: Readonly<Record<string, readonly [fields: Readonly<Record<string, string>>, address: string]>> = {
  'an address as it is': [{ otp: 'otpauth://totp/a?secret=B&period=60' }, 'otpauth://totp/a?secret=B&period=60'],
  'a bare secret': [{ otp: 'jbsw y3dp' }, 'otpauth://totp/KeePass?secret=JBSWY3DP'],
  'the form of KeeOtp': [
    { otp: 'key=JBSWY3DP&step=60&size=8' },
    'otpauth://totp/KeePass?secret=JBSWY3DP&digits=8&period=60',
  ],
  'the seed of KeeTrayTOTP': [
    { 'TOTP Seed': 'JBSWY3DP', 'TOTP Settings': '60;8' },
    'otpauth://totp/KeePass?secret=JBSWY3DP&digits=8&period=60',
  ],
  'the fields of KeePass in base32': [
    { 'TimeOtp-Secret-Base32': 'JBSWY3DP', 'TimeOtp-Algorithm': 'HMAC-SHA-256', 'TimeOtp-Length': '8' },
    'otpauth://totp/KeePass?secret=JBSWY3DP&digits=8&algorithm=SHA256',
  ],
  // RFC 4648, section 10: "foobar" is MZXW6YTBOI.
  'the fields of KeePass as text': [{ 'TimeOtp-Secret': 'foobar' }, 'otpauth://totp/KeePass?secret=MZXW6YTBOI'],
  'the fields of KeePass in hex': [
    { 'TimeOtp-Secret-Hex': '666f6f626172' },
    'otpauth://totp/KeePass?secret=MZXW6YTBOI',
  ],
  'the fields of KeePass in base64': [
    { 'TimeOtp-Secret-Base64': 'Zm9vYmFy' },
    'otpauth://totp/KeePass?secret=MZXW6YTBOI',
  ],
  nothing: [{ 'TimeOtp-Period': '30' }, ''],
};

for (const [name, [fields, address]] of Object.entries(OTPS)) {
  test(`a one-time password is read from ${name}`, () => {
    assert.equal(
      otpAddress((field) => fields[field] ?? ''),
      address,
    );
  });
}
