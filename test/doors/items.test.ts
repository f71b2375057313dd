// Items from the command line to the file and back: real daemon, real commands, and a canary wherever a value flows.

import assert from 'node:assert/strict';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { assertNoCanary, makeCanary } from '../canaries.ts';
import { House, PASSPHRASE, type Done } from '../house.ts';

interface ShownItem {
  readonly itemId: string;
  readonly title: string;
  readonly category: string;
  readonly version: number;
  readonly tags: string[];
  readonly vault: string;
  readonly fields: { label: string; type: string; isSet: boolean; fieldId: string }[];
  readonly files: { name: string; bytes: number }[];
}

interface Revealed {
  readonly fields: { label: string; value?: string; base64?: string }[];
}

describe('items on the command line', () => {
  let house: House;
  /** Everything any command printed, for the sweep at the end. */
  const printed: string[] = [];
  const canaries: string[] = [];

  const fresh = (label: string): string => {
    const value = makeCanary(label);
    canaries.push(value);
    return value;
  };
  const say = async (args: readonly string[], input = ''): Promise<Done> => {
    const done = await house.keystile(args, input);
    printed.push(done.stdout, done.stderr);
    return done;
  };
  const ok = async (args: readonly string[], input = ''): Promise<string> => {
    const { code, stdout, stderr } = await say(args, input);
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const json = async <T>(args: readonly string[], input = ''): Promise<T> =>
    JSON.parse(await ok([...args, '--format', 'json'], input)) as T;
  const item = async (name: string): Promise<ShownItem> =>
    (await json<{ item: ShownItem }>(['item', 'get', name])).item;
  /** What is revealed is not part of the sweep: it is asked for. */
  const reveal = async (args: readonly string[]): Promise<Revealed['fields']> => {
    const { code, stdout, stderr } = await house.human([...args, '--reveal', '--format', 'json']);
    assert.equal(code, 0, stderr + stdout);
    return (JSON.parse(stdout) as Revealed).fields;
  };
  const refused = async (args: readonly string[], code: number, message: RegExp, input = ''): Promise<void> => {
    const done = await say(args, input);
    assert.deepEqual([done.code, done.stdout], [code, ''], `${args.join(' ')}: ${done.stderr}`);
    assert.match(done.stderr, message);
  };

  before(async () => {
    house = await House.open();
    await ok(['vault', 'create', 'work']);
  });
  after(async () => await house[Symbol.asyncDispose]());

  test('an item is made, shown without values, and revealed to the human only', async () => {
    const value = fresh('password');
    const assignments = ['username=octocat', 'password=-', 'api.host[text]=a=b', 'empty[text]='];
    await ok(['item', 'create', '--title', 'GitHub', '--tags', 'a, b', ...assignments], `${value}\n`);
    const shown = await item('GitHub');
    assert.deepEqual(
      shown.fields.map(({ label, type, isSet }) => [label, type, isSet]),
      [
        ['username', 'text', true],
        ['password', 'password', true],
        ['host', 'text', true],
        ['empty', 'text', false],
      ],
    );
    assert.deepEqual([shown.category, shown.version, shown.tags, shown.vault], ['login', 1, ['a', 'b'], 'work']);
    assert.match(await ok(['item', 'get', 'GitHub']), /api +host +text +yes/);
    await refused(['item', 'get', 'GitHub', '--reveal'], 4, /no terminal/);
    const wrong = await say(['item', 'get', 'GitHub', '--reveal', '--passphrase-stdin'], 'not the passphrase\n');
    assert.deepEqual([wrong.code, wrong.stdout], [4, '']);
    const fields = await reveal(['item', 'get', 'GitHub']);
    assert.deepEqual(Object.fromEntries(fields.map((one) => [one.label, one.value])), {
      username: 'octocat',
      password: value,
      host: 'a=b',
    });
    const part = await json<{ item: ShownItem }>(['item', 'get', 'GitHub', '--fields', 'api.host,label=username']);
    assert.deepEqual(
      part.item.fields.map(({ label }) => label),
      ['username', 'host'],
    );
    await refused(['item', 'get', 'GitHub', '--fields', 'nothing'], 7, /no field or file/);
    const one = await house.human(['item', 'get', 'GitHub', '--fields', 'username', '--reveal']);
    assert.equal(one.stdout, 'octocat\n');
    const piped = await house.human(['item', 'get', 'GitHub', '--fields', 'password', '--reveal']);
    assert.equal(piped.stdout, `${value}\n`, 'what a program takes is the value itself');
    const { events } = await json<{ events: { event: string; facts: object; names: object }[] }>(['audit', 'list']);
    const first = events.find(({ event }) => event === 'revealed');
    assert.deepEqual(first?.names, { collection: 'work', item: 'GitHub', variables: ['username', 'password', 'host'] });
  });

  test('a secret is no argument, however it is written, and nothing is made', async () => {
    const value = fresh('argument');
    const wrong: string[][] = [
      [`password=${value}`],
      [`password[text]=${value}`],
      [`token=${value}`],
      [`api.token=${value}`],
      [`notesPlain=${value}`],
      [`one-time password=${value}`],
      [`key[sshkey]=${value}`],
    ];
    for (const assignments of wrong) {
      await refused(
        ['item', 'create', '--title', 'refused', ...assignments],
        2,
        /is concealed, and arguments are visible to every program of this machine/,
      );
    }
    await refused(['item', 'edit', 'GitHub', `password=${value}`], 2, /arguments are visible/);
    await refused(['item', 'edit', 'GitHub', `password[text]=${value}`], 2, /arguments are visible/);
    await refused(['item', 'create', '--title', 'refused', 'a=-', 'b=-'], 2, /standard input holds one value/);
    await refused(['item', 'create', '--title', 'refused', 'password'], 4, /no terminal/);
    await refused(['item', 'create', '--title', 'refused', 'password=-'], 2, /the value is empty/, '\n');
    await refused(['item', 'create', 'username=a'], 2, /needs a title/);
    await refused(['item', 'get', 'refused'], 7, /no item of that title/);
  });

  test('what is generated is seen by nobody until it is revealed', async () => {
    await ok(['item', 'create', '--title', 'made', '--generate-password=hex:16', 'username=a']);
    const [password] = await reveal(['item', 'get', 'made', '--fields', 'password']);
    assert.match(password?.value ?? '', /^[0-9a-f]{32}$/);
    canaries.push(password?.value ?? '');
    await ok(['item', 'create', '--title', 'api', '--category', 'api-credential', '--generate-password']);
    assert.deepEqual(
      (await item('api')).fields.map(({ fieldId }) => fieldId),
      ['credential'],
    );
    await ok(['item', 'create', '--title', 'deploy', '--ssh-generate-key']);
    const key = await item('deploy');
    assert.deepEqual(
      key.fields.map(({ fieldId, type }) => [fieldId, type]),
      [
        ['private_key', 'sshkey'],
        ['public_key', 'text'],
        ['fingerprint', 'text'],
      ],
    );
    const [pem, line, fingerprint] = (await reveal(['item', 'get', 'deploy'])).map(({ value }) => value ?? '');
    assert.match(pem ?? '', /^-----BEGIN PRIVATE KEY-----\n/);
    assert.match(line ?? '', /^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA/);
    assert.match(fingerprint ?? '', /^SHA256:[A-Za-z0-9+/]{43}$/);
    canaries.push((pem ?? '').split('\n')[1] ?? '');
  });

  test('one-time passwords are shown without their seed', async () => {
    const seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
    canaries.push(seed);
    await ok(['item', 'create', '--title', 'two factors', 'one-time password=-'], seed);
    const { code, stdout } = await house.human(['item', 'get', 'two factors', '--otp']);
    printed.push(stdout);
    assert.equal(code, 0);
    assert.match(stdout, /^\d{6}\n$/);
    await refused(['item', 'get', 'two factors', '--otp'], 4, /no terminal/);
  });

  test('an edit makes a version, and a restore brings back what was there', async () => {
    const [first, second] = [fresh('first'), fresh('second')];
    await ok(
      ['item', 'create', '--title', 'rotated', 'password=-', 'api.token=x[text]'.replace('=x[text]', '[text]=x')],
      first,
    );
    await ok(['item', 'edit', 'rotated', 'password=-', 'api.token[delete]', '--title', 'rotated twice'], second);
    await refused(['item', 'get', 'rotated'], 7, /no item of that title/);
    const { versions } = await json<{ versions: { version: number; title: string; changed: string[] }[] }>([
      'item',
      'history',
      'rotated twice',
    ]);
    assert.deepEqual(
      versions.map(({ version, title, changed }) => [version, title, changed]),
      [
        [2, 'rotated twice', ['password']],
        [1, 'rotated', ['password', 'token']],
      ],
    );
    assert.equal((await reveal(['item', 'get', 'rotated twice', '--fields', 'password']))[0]?.value, second);
    await ok(['item', 'restore', 'rotated twice', '--version', '1']);
    assert.equal((await reveal(['item', 'get', 'rotated', '--fields', 'password']))[0]?.value, first);
    assert.deepEqual((await item('rotated')).fields.length, 2);
    await refused(['item', 'restore', 'rotated', '--version', '9'], 7, /not kept/);
    await refused(['item', 'restore', 'rotated'], 2, /--version/);
  });

  test('a file goes in and comes out byte for byte, to a private new file', async () => {
    const content = Buffer.concat([Buffer.from(fresh('file')), Buffer.from([0, 255, 10]), Buffer.alloc(70_000, 7)]);
    const [source, target] = [join(house.project, 'scan.pdf'), join(house.project, 'out.pdf')];
    writeFileSync(source, content);
    await ok(['item', 'create', '--title', 'passport', '--category', 'document', `[file]=${source}`]);
    assert.deepEqual(
      (await item('passport')).files.map(({ name, bytes }) => [name, bytes]),
      [['scan.pdf', content.length]],
    );
    const save = ['item', 'file', 'save', 'passport', 'scan.pdf', '--out-file', target];
    await refused(save, 4, /no terminal/);
    assert.ok(!existsSync(target));
    await ok([...save, '--passphrase-stdin'], `${PASSPHRASE}\n`);
    assert.deepEqual(readFileSync(target), content);
    assert.equal(statSync(target).mode & 0o777, 0o600);
    await refused([...save, '--passphrase-stdin'], 1, /something at that path already/, `${PASSPHRASE}\n`);
    writeFileSync(source, 'other');
    chmodSync(target, 0o644);
    await ok(['item', 'edit', 'passport', `[file]=${source}`]);
    await ok([...save, '--force', '--passphrase-stdin'], `${PASSPHRASE}\n`);
    assert.equal(readFileSync(target, 'utf8'), 'other');
    assert.equal(statSync(target).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(house.project).toSorted(), ['out.pdf', 'scan.pdf']);
    await refused(['item', 'edit', 'passport', `[file]=${source}.none`], 7, /cannot be read: ENOENT/);
    const shown = await say(
      ['item', 'get', 'passport', '--fields', 'scan.pdf'.replace('.', '\\.'), '--reveal', '--passphrase-stdin'],
      `${PASSPHRASE}\n`,
    );
    assert.match(shown.stderr, /a file is not shown/);
  });

  test('without --out-file it gets its own name, unless that leads elsewhere or is hidden', async () => {
    const source = join(house.project, 'source');
    writeFileSync(source, 'content');
    const names = ['plain file', '.hidden', '..', 'a/b'];
    const files = names.map((name) => `${name.replaceAll('.', '\\.')}[file]=${source}`);
    await ok(['item', 'create', '--title', 'files', ...files]);
    const save = (name: string): string[] => ['item', 'file', 'save', 'files', name, '--passphrase-stdin'];
    await ok(save('plain file'), `${PASSPHRASE}\n`);
    assert.equal(readFileSync(join(house.project, 'plain file'), 'utf8'), 'content');
    for (const name of names.slice(1)) await refused(save(name), 2, /--out-file PATH/, `${PASSPHRASE}\n`);
    for (const name of ['source', 'plain file']) rmSync(join(house.project, name));
  });

  test('a name that references cannot have is said when it is given', async () => {
    assert.match((await say(['item', 'create', '--title', 'a/b'])).stdout, /references cannot have this name/);
    assert.match((await say(['vault', 'create', 'c/d'])).stdout, /references cannot have this name/);
    assert.doesNotMatch((await say(['vault', 'create', 'c d'])).stdout, /references/);
    for (const name of ['c/d', 'c d']) await ok(['vault', 'delete', name]);
    await ok(['item', 'delete', 'a/b']);
  });

  test('a title that is too long is said in our words', async () => {
    await refused(['item', 'create', '--title', 'x'.repeat(129)], 2, /title has more than 128 characters \(title\)/);
  });

  test('a title that is there twice is refused, and says which ids there are', async () => {
    await ok(['item', 'create', '--title', 'twin', 'username=a']);
    await ok(['item', 'create', '--title', 'twin', 'username=b']);
    const { code, stdout, stderr } = await say(['item', 'get', 'twin']);
    assert.deepEqual([code, stdout], [8, '']);
    const ids = stderr.match(/item_[0-9a-z]{20}/g) ?? [];
    assert.equal(ids.length, 2);
    await ok(['item', 'archive', ids[0] ?? '']);
    assert.equal((await item('twin')).itemId, ids[1]);
    await refused(['item', 'unarchive', 'twin'], 2, /item list --archived shows it/);
    await ok(['item', 'unarchive', ids[0] ?? '']);
    await refused(['item', 'get', 'twin'], 8, /2 items have that title/);
    await ok(['item', 'delete', ids[0] ?? '']);
    assert.equal((await item('twin')).itemId, ids[1]);
  });

  test('a field that is there twice is refused, and says which ids there are', async () => {
    const sections = ['one.token[text]=a', 'two.token[text]=b'];
    await ok(['item', 'create', '--title', 'sections', ...sections]);
    const get = ['item', 'get', 'sections', '--reveal', '--passphrase-stdin', '--fields'];
    const { code, stdout, stderr } = await say([...get, 'token'], `${PASSPHRASE}\n`);
    assert.deepEqual([code, stdout], [8, '']);
    const ids = stderr.match(/field_[0-9a-z]{20}/g) ?? [];
    assert.equal(ids.length, 2);
    assert.match(stderr, /2 fields or files of the item have that name/);
    assert.equal(await ok([...get, ids[1] ?? ''], `${PASSPHRASE}\n`), 'b\n');
    assert.equal(await ok([...get, 'one.token'], `${PASSPHRASE}\n`), 'a\n');
    await refused(['item', 'edit', 'sections', 'token[text]=c'], 8, /2 fields or files/);
  });

  test('vaults are made, renamed and deleted, with their items only when that is said', async () => {
    await ok(['vault', 'create', 'home']);
    await refused(['item', 'create', '--title', 'x'], 8, /more than one vault/);
    await refused(['item', 'create', '--vault', 'none', '--title', 'x'], 7, /no vault of that name/);
    await ok(['item', 'create', '--vault', 'home', '--title', 'x', 'username=me']);
    await ok(['vault', 'edit', 'home', '--name', 'house']);
    const { items } = await json<{ items: { title: string; vault: string }[] }>(['item', 'list', '--vault', 'house']);
    assert.deepEqual(
      items.map(({ title, vault }) => [title, vault]),
      [['x', 'house']],
    );
    const { vaults } = await json<{ vaults: { name: string; itemCount: number }[] }>(['vault', 'list']);
    assert.deepEqual(
      vaults.map(({ name }) => name),
      ['house', 'work'],
    );
    await refused(['vault', 'delete', 'house'], 2, /there are 1 items/);
    await ok(['vault', 'delete', 'house', '--with-items']);
    await refused(['vault', 'get', 'house'], 7, /no vault of that name/);
    await refused(['item', 'get', 'x'], 7, /no item/);
  });

  test('locked, the vault says nothing of items', async () => {
    await ok(['lock']);
    for (const args of [
      ['vault', 'list'],
      ['item', 'list'],
      ['item', 'get', 'GitHub'],
    ])
      await refused(args, 3, /vault is locked/);
    await ok(['unlock', '--passphrase-stdin'], `${PASSPHRASE}\n`);
  });

  test('under an agent items are neither seen nor changed', async () => {
    const folder = join(house.root, 'bin');
    mkdirSync(folder);
    const agent = join(folder, 'codex');
    cpSync('/bin/sh', agent);
    chmodSync(agent, 0o755);
    const lines = ['vault list', 'item list', 'item get GitHub', 'item create --title x', 'item delete GitHub'];
    for (const line of lines) {
      const { code, stdout, stderr } = await house.run(agent, ['-c', `${house.launcher} ${line}; exit $?`]);
      assert.deepEqual([code, stdout], [4, ''], `${line}: ${stderr}`);
      assert.match(stderr, /a coding agent started this command/);
    }
  });

  test('no value is in anything that was printed, logged or written', async () => {
    await ok(['stop']);
    assert.ok(canaries.length > 6 && printed.length > 50);
    assertNoCanary(printed.join('\n'), canaries, 'what was printed');
    const names = readdirSync(house.home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    assert.ok(names.length >= 4);
    for (const { parentPath, name } of names)
      assertNoCanary(readFileSync(join(parentPath, name)), canaries, join(parentPath, name));
  });
});
