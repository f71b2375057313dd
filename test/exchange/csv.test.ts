// CSV files as other managers write them and as people do.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FIELD_BYTES_MAX } from '../../src/core/item.ts';
import { detectFormat, readExport } from '../../src/exchange/formats.ts';
import { canary } from '../house.ts';
import { failureOf, itemCalled, readAs } from './fixtures.ts';

type Fields = Readonly<Record<string, string>>;

/** The first row and one below, the title, tags and fields of the item. */
const WRITERS: Readonly<
  Record<string, readonly [rows: string, title: string, tags: readonly string[], fields: Fields]>
> = {
  '1Password': [
    'Title,Url,Username,Password,OTPAuth,Favorite,Archived,Tags,Notes\nSite,https://a.test,ada,p,otpauth://totp/x,false,true,"a;b",n',
    'Site',
    ['a', 'b'],
    {
      'website [url]': 'https://a.test',
      'username [text]': 'ada',
      'password [password]': 'p',
      'one-time password [otp]': 'otpauth://totp/x',
      'notesPlain [notes]': 'n',
    },
  ],
  Bitwarden: [
    'folder,favorite,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp\nWork,1,login,Site,n,"pin: 1\nkey: two\nlines",0,"https://a.test,https://b.test",ada,p,ABC',
    'Site',
    ['Work'],
    {
      'notesPlain [notes]': 'n',
      'pin [password]': '1',
      'key [password]': 'two\nlines',
      'website [url]': 'https://a.test',
      'website 2 [url]': 'https://b.test',
      'username [text]': 'ada',
      'password [password]': 'p',
      'one-time password [otp]': 'ABC',
    },
  ],
  LastPass: [
    'url,username,password,totp,extra,name,grouping,fav\nhttps://a.test,ada,p,,n,Site,Work,0',
    'Site',
    ['Work'],
    {
      'website [url]': 'https://a.test',
      'username [text]': 'ada',
      'password [password]': 'p',
      'notesPlain [notes]': 'n',
    },
  ],
  Chrome: [
    'name,url,username,password,note\nSite,https://a.test,ada,p,',
    'Site',
    [],
    { 'website [url]': 'https://a.test', 'username [text]': 'ada', 'password [password]': 'p' },
  ],
  Firefox: [
    '"url","username","password","httpRealm","formActionOrigin","guid","timeCreated","timeLastUsed","timePasswordChanged"\n"https://a.test/x","ada","p",,"https://a.test","{1}","1","2","3"',
    'a.test',
    [],
    { 'website [url]': 'https://a.test/x', 'username [text]': 'ada', 'password [password]': 'p' },
  ],
  Safari: [
    'Title,URL,Username,Password,Notes,OTPAuth\nSite,https://a.test,ada,p,n,',
    'Site',
    [],
    {
      'website [url]': 'https://a.test',
      'username [text]': 'ada',
      'password [password]': 'p',
      'notesPlain [notes]': 'n',
    },
  ],
  'a person, with semicolons and columns of their own': [
    'otp;password;recovery code;title\nABC;"p;""q""\nr";77;Site',
    'Site',
    [],
    { 'one-time password [otp]': 'ABC', 'password [password]': 'p;"q"\nr', 'recovery code [password]': '77' },
  ],
};

for (const [name, [rows, title, tags, fields]] of Object.entries(WRITERS)) {
  test(`a CSV file of ${name} is read`, async () => {
    for (const text of [rows, `\ufeff${rows.replaceAll('\n', '\r\n')}\r\n`]) {
      const item = itemCalled(await readAs('csv', Buffer.from(text)), title);
      const lines = Object.fromEntries(
        Object.entries(item.fields).map(([label, value]) => [label, value.replaceAll('\r\n', '\n')]),
      );
      assert.deepEqual([item.tags, lines], [tags, fields]);
    }
  });
}

test('UTF-16 is read by its mark, in both orders', async () => {
  const little = Buffer.from('\ufefftitle,password\nSité,pä\n', 'utf16le');
  for (const bytes of [little, Buffer.from(little).swap16()]) {
    assert.deepEqual(itemCalled(await readAs('csv', bytes), 'Sité').fields, { 'password [password]': 'pä' });
  }
});

test('secure notes of LastPass and Bitwarden are notes; archived items are archived', async () => {
  const lastPass = await readAs(
    'csv',
    Buffer.from('url,username,password,extra,name,grouping,fav\nhttp://sn,,,text,Note,,0'),
  );
  assert.deepEqual(
    [itemCalled(lastPass, 'Note').category, itemCalled(lastPass, 'Note').fields],
    ['secure-note', { 'notesPlain [notes]': 'text' }],
  );
  const archived = await readAs('csv', Buffer.from('Title,Password,Archived\nOld,p,true'));
  assert.equal(itemCalled(archived, 'Old').isArchived, true);
});

test('a second column of titles and a type that is not known are not lost', async () => {
  const vaults = await readAs('csv', Buffer.from('name,title,type,account,password\nSite,Owner,server,4711,p'));
  const item = itemCalled(vaults, 'Site');
  assert.deepEqual(item.tags, ['server']);
  assert.deepEqual(item.fields, {
    'title [password]': 'Owner',
    'account [password]': '4711',
    'password [password]': 'p',
  });
});

test('rows of another length, without a value or too large are named by their number, and the others come along', async () => {
  const large = 'x'.repeat(FIELD_BYTES_MAX + 1);
  const vaults = await readAs('csv', Buffer.from(`name,password\na,1\nb,2,3\nc,\nd,${large}\n\ne,5\n`));
  assert.deepEqual(
    vaults[0]?.items.map(({ title }) => title),
    ['a', 'e'],
  );
  assert.deepEqual(vaults[0]?.skipped, [
    { title: 'row 3', why: 'uneven-row' },
    { title: 'c', why: 'row-without-value' },
    { title: 'd', why: 'field-too-large' },
  ]);
});

test('a file without heads is refused, because its first row would be shown', async () => {
  const value = canary();
  const rows = Buffer.from(`GitHub,ada,${value}\nGitLab,ada,${value}`);
  assert.equal(detectFormat(rows, 'passwords.txt'), null);
  assert.equal((await failureOf('csv', rows, {}, [value])).code, 'import/format');
  assert.equal(
    (await failureOf('csv', Buffer.from(`name,password,password\na,${value},b`), {}, [value])).code,
    'import/format',
  );
});

test('a quote that is not closed and bytes that are not UTF-8 are told by their place, not by what they are', async () => {
  const value = canary();
  const open = await failureOf('csv', Buffer.from(`name,password\na,1\nb,"${value}`), {}, [value]);
  assert.deepEqual(
    [open.code, open.message],
    ['import/damaged', 'row 3 of this CSV file is not well formed, or too large'],
  );
  const foreign = await failureOf(
    'csv',
    Buffer.concat([Buffer.from(`name,password\n${value},`), Buffer.from([0xff, 0xe9])]),
    {},
    [value],
  );
  assert.equal(foreign.code, 'import/damaged');
});

test('whatever the cells hold, they come out as they went in', async () => {
  const cell = fc.string({ minLength: 1, maxLength: 30 }).filter((text) => text.isWellFormed());
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  await fc.assert(
    fc.asyncProperty(cell, cell, async (password, other) => {
      const bytes = Buffer.from(`title,password,other\nx,${quoted(password)},${quoted(other)}\n`);
      const item = itemCalled(await readExport(bytes, 'csv', { fileName: 'x' }), 'x');
      assert.deepEqual(item.fields, { 'password [password]': password, 'other [password]': other });
    }),
    { numRuns: 500 },
  );
});
