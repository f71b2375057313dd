// keystile import and keystile export as processes, with a file in the place of the daemon.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { IMPORT_FORMATS } from '../../src/doors/cli/import-command.ts';
import { BATCH_ITEMS_MAX } from '../../src/exchange/batches.ts';
import { FORMATS } from '../../src/exchange/formats.ts';
import { assertNoCanary } from '../canaries.ts';
import { canary } from '../house.ts';
import { json, onePux } from './fixtures.ts';
import { addEntry, newDatabase, PASSWORD, saved } from './keepass-files.ts';

const PROGRAM = join(import.meta.dirname, '../programs/exchange.ts');
const folder = mkdtempSync(join(tmpdir(), 'keystile-exchange-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

function newPath(name: string): string {
  files += 1;
  return join(folder, `${files}-${name}`);
}

function fileWith(name: string, bytes: string | Buffer): string {
  const path = newPath(name);
  writeFileSync(path, bytes);
  return path;
}

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(store: string, args: readonly string[], input = '', env: Readonly<Record<string, string>> = {}): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, store, ...args], {
    input,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { code: status, out: stdout, err: stderr };
}

interface Stored {
  readonly vault: string;
  readonly items: readonly { readonly title: string; readonly fields: readonly { readonly bytes: number }[] }[];
  readonly base64: string;
}

function stored(store: string): Stored[] {
  return JSON.parse(readFileSync(store, 'utf8')) as Stored[];
}

function exportOf(value: string): string {
  const field = { title: 'key', id: 'k', value: { concealed: value } };
  const entry = (title: string): object => ({
    categoryUuid: '112',
    overview: { title, tags: ['prod'] },
    details: { sections: [{ title: 'Keys', fields: [field] }], notesPlain: value },
  });
  const trashed = { ...entry('Old'), trashed: true };
  return fileWith('export.1pux', onePux([entry('API'), entry('API'), trashed]));
}

test('a dry run names vaults, items, kinds and what stays behind, and no value', () => {
  const value = canary();
  const store = newPath('store');
  const file = exportOf(value);
  const text = run(store, ['import', file, '--dry-run']);
  assert.equal(text.code, 0, text.err);
  assert.match(text.out, /^Private:\n {2}API \[api-credential #prod\]: Keys\/key \(password\), notesPlain \(notes\)\n/);
  assert.match(text.out, /would import 1 item with 2 fields and 0 files from an export of 1Password/);
  assert.match(text.out, /left out 1 item that the file has twice\nleft out 1 item:\n {2}Old: it is in the trash\n/);
  assert.match(text.out, /not taken along: earlier passwords/);
  const parsed = run(store, ['import', file, '--dry-run', '--format', 'json']);
  const document = JSON.parse(parsed.out) as { vaults: unknown[]; dryRun: boolean };
  assert.equal(document.dryRun, true);
  assert.deepEqual(document.vaults, [
    {
      name: 'Private',
      itemCount: 1,
      fieldCount: 2,
      fileCount: 0,
      items: [
        {
          title: 'API',
          category: 'api-credential',
          tags: ['prod'],
          isArchived: false,
          fields: [
            { label: 'key', section: 'Keys', type: 'password' },
            { label: 'notesPlain', section: null, type: 'notes' },
          ],
          files: [],
        },
      ],
    },
  ]);
  assertNoCanary(text.out + text.err + parsed.out + parsed.err, value);
  assert.equal(existsSync(store), false);
});

test('an import sends each item once, with its values beside it, into the vault of the file or the one named', () => {
  const value = canary();
  for (const [flags, vault] of [
    [[], 'Private'],
    [['--vault', 'Elsewhere'], 'Elsewhere'],
  ] as const) {
    const store = newPath('store');
    const ran = run(store, ['import', exportOf(value), ...flags]);
    assert.equal(ran.code, 0, ran.err);
    assert.match(ran.out, /^imported 1 item with 2 fields and 0 files .*\n/);
    assert.match(ran.out, /is still there, in the clear; delete it/);
    assertNoCanary(ran.out + ran.err, value);
    const [batch] = stored(store);
    assert.equal(batch?.vault, vault);
    assert.deepEqual(
      batch?.items[0]?.fields.map(({ bytes }) => bytes),
      [value.length, value.length],
    );
    assert.equal(Buffer.from(batch?.base64 ?? '', 'base64').toString(), value + value);
  }
});

test('many items go in portions; what a failure left is said', () => {
  const rows = Array.from({ length: 2 * BATCH_ITEMS_MAX + 1 }, (_, k) => `site ${k},p${k}`).join('\n');
  const file = fileWith('many.csv', `name,password\n${rows}\n`);
  const store = newPath('store');
  assert.equal(run(store, ['import', file]).code, 0);
  assert.deepEqual(
    stored(store).map(({ vault, items }) => [vault, items.length]),
    [
      ['Imported', BATCH_ITEMS_MAX],
      ['Imported', BATCH_ITEMS_MAX],
      ['Imported', 1],
    ],
  );
  const half = run(newPath('store'), ['import', file], '', { STORE_FAILS: 'second' });
  assert.equal(half.code, 1);
  assert.match(half.err, /500 of 1001 items were imported before this went wrong\nkeystile: full/);
});

test('a password is asked for only where a file has one, and with a key file it may be empty', async () => {
  const database = await newDatabase();
  addEntry(database, { Title: 'x', '*Password': canary() });
  const file = fileWith('db.kdbx', await saved(database));
  assert.equal(run(newPath('store'), ['import', file, '--passphrase-stdin'], `${PASSWORD}\n`).code, 0);
  const wrong = run(newPath('store'), ['import', file, '--passphrase-stdin'], 'other\n');
  assert.deepEqual([wrong.code, wrong.out], [4, '']);
  assert.match(wrong.err, /not the password or the key file/);
  const misplaced = run(newPath('store'), ['import', exportOf('x'), '--key-file', file]);
  assert.equal(misplaced.code, 2);
});

test('what cannot be read, told or taken is said in one line, without a value', () => {
  const value = canary();
  const cases: readonly (readonly [args: readonly string[], code: number, error: RegExp])[] = [
    [['/nowhere/at/all'], 7, /cannot be read/],
    [[fileWith('letter.txt', `Dear ${value}`)], 1, /format of \d+-letter.txt cannot be told/],
    [[fileWith('x.env', `A="${value}`)], 1, /line 1, column 3/],
    [[fileWith('x.json', json({ encrypted: true, data: value }))], 1, /encrypted/],
    [[fileWith('x.txt', value), '--from', 'csv'], 1, /does not name its columns/],
    [[fileWith('x.csv', `name,password\na,${value}`), '--vault', 'two\nlines'], 2, /not a name/],
  ];
  for (const [args, code, error] of cases) {
    const ran = run(newPath('store'), ['import', ...args]);
    assert.equal(ran.code, code, ran.err);
    assert.match(ran.err, error);
    assert.equal(ran.err.trimEnd().split('\n').length, 1);
    assertNoCanary(ran.out + ran.err, value);
  }
});

test('export and import bring the same items back, for an identity and for a passphrase', () => {
  const value = canary();
  const [store, bundle, identity] = [newPath('store'), newPath('team.age'), newPath('team.key')];
  run(store, ['import', exportOf(value)]);
  const args = ['export', '--to', bundle, '--generate-identity', identity, '--vault', 'Private', '--vault', 'None'];
  const made = run(store, [...args, '--passphrase-stdin'], 'correct horse\n');
  assert.equal(made.code, 0, made.err);
  assert.match(made.out, /Private: 1 item\nwrote .*team.age\nit opens for age1pq1/);
  assert.equal(statSync(bundle).mode & 0o777, 0o600);
  assert.equal(statSync(identity).mode & 0o777, 0o600);
  assertNoCanary(made.out + made.err + readFileSync(bundle, 'latin1'), value);
  assert.doesNotMatch(made.out + made.err, /AGE-SECRET-KEY/);
  const back = newPath('store');
  assert.equal(run(back, ['import', bundle, '--identity', identity]).code, 0);
  assert.deepEqual(stored(back), stored(store));

  const locked = newPath('locked.age');
  const stdin = 'correct horse\nanother battery\n';
  const two = run(store, ['export', '--to', locked, '--passphrase', '--passphrase-stdin'], stdin);
  assert.equal(two.code, 0, two.err);
  const again = newPath('store');
  assert.equal(run(again, ['import', locked, '--passphrase-stdin'], 'another battery\n').code, 0);
  assert.deepEqual(stored(again), stored(store));
});

test('there is no plain export, none over a file, none for nobody, and none without the passphrase', () => {
  const store = newPath('store');
  run(store, ['import', exportOf(canary())]);
  const there = fileWith('there', 'something');
  const recipient = ['--recipient', 'age1nonsense'];
  const cases: readonly (readonly [args: readonly string[], code: number, error: RegExp])[] = [
    [['--to', newPath('a')], 2, /say for whom.*in the clear/],
    [[], 2, /needs --to/],
    [['--to', there, '--passphrase'], 1, /is there already/],
    [['--to', newPath('b'), '--generate-identity', there], 1, /is there already/],
    [['--to', newPath('c'), ...recipient], 2, /not a recipient of age/],
    [['--to', newPath('d'), ...recipient, '--passphrase'], 2, /do not go together/],
    [['--to', newPath('e'), '--generate-identity', newPath('f'), '--passphrase-stdin'], 4, /wrong passphrase/],
  ];
  for (const [args, code, error] of cases) {
    const ran = run(store, ['export', ...args], 'something else\n');
    assert.equal(ran.code, code, ran.err);
    assert.match(ran.err, error);
    for (const path of args) assert.ok(path === there || !existsSync(path), `${path} was written`);
  }
  assert.equal(readFileSync(there, 'utf8'), 'something');
});

test('the formats of the command are those of the table', () => {
  assert.deepEqual(IMPORT_FORMATS, FORMATS);
});
