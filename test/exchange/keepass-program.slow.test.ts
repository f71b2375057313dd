// Databases that KeePassXC itself made or changed (Debian: keepassxc). Left out where it is not installed.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { itemCalled, readAs, secretOf, typing } from './fixtures.ts';
import { addEntry, newDatabase, PASSWORD, saved, type DatabaseSettings } from './keepass-files.ts';
import { runProgram, unlessThere } from './programs.ts';

const PROGRAM = 'keepassxc-cli';
const skip = unlessThere(PROGRAM);

function withFolder(use: (folder: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keystile-keepass-'));
    try {
      await use(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

function addTo(database: string, title: string): void {
  const args = ['add', '-q', '-u', 'ada', '--url', 'https://a.test', '-p', database, title];
  runProgram(PROGRAM, args, `${PASSWORD}\np ä w\n`);
}

test(
  'a database that KeePassXC made is read, with its key file',
  { skip },
  withFolder(async (folder) => {
    const [database, keyFile, scan] = [join(folder, 'db.kdbx'), join(folder, 'key'), join(folder, 'scan.bin')];
    runProgram(PROGRAM, ['db-create', '-q', '-t', '100', '-p', database], `${PASSWORD}\n${PASSWORD}\n`);
    runProgram(PROGRAM, ['mkdir', '-q', database, 'Work'], `${PASSWORD}\n`);
    addTo(database, 'Work/Console');
    writeFileSync(scan, Buffer.from([0, 1, 2, 255]));
    runProgram(PROGRAM, ['attachment-import', '-q', database, 'Work/Console', 'scan.bin', scan], `${PASSWORD}\n`);
    const vaults = await readAs('keepass', readFileSync(database), { password: typing(PASSWORD) });
    const console = itemCalled(vaults, 'Console');
    assert.deepEqual(console.tags, ['Work']);
    assert.equal(console.fields['password [password]'], 'p ä w');
    assert.equal(console.fields['website [url]'], 'https://a.test');
    assert.deepEqual(console.files, { 'scan.bin': '\u0000\u0001\u0002\u00ff' });

    const locked = join(folder, 'locked.kdbx');
    runProgram(PROGRAM, ['db-create', '-q', '-t', '100', '-k', keyFile, locked]);
    const key = secretOf(readFileSync(keyFile));
    assert.deepEqual(
      (await readAs('keepass', readFileSync(locked), { password: typing(''), keyFile: key }))[0]?.items,
      [],
    );
  }),
);

const KINDS: readonly DatabaseSettings[] = [
  { version: 3 },
  { kdf: 'Argon2id', cipher: 'Aes' },
  { kdf: 'Argon2d', cipher: 'ChaCha20' },
  { kdf: 'Aes', cipher: 'ChaCha20' },
];

for (const kind of KINDS) {
  test(
    `KeePassXC opens our ${JSON.stringify(kind)}, adds to it, and what it writes is read`,
    { skip },
    withFolder(async (folder) => {
      const file = join(folder, 'db.kdbx');
      const database = await newDatabase(kind);
      addEntry(database, { Title: 'Ours', UserName: 'grace', '*Password': 'x' });
      writeFileSync(file, await saved(database));
      addTo(file, 'Theirs');
      const vaults = await readAs('keepass', readFileSync(file), { password: typing(PASSWORD) });
      assert.equal(itemCalled(vaults, 'Ours').fields['password [password]'], 'x');
      assert.equal(itemCalled(vaults, 'Theirs').fields['password [password]'], 'p ä w');
    }),
  );
}
