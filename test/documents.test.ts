// What the documents say and a machine can check: links, commands, tools, variables, settings, dependencies, attack cases.

import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { GLOBAL_FLAGS } from '../src/doors/cli/command.ts';
import { allCommands } from '../src/doors/cli/commands.ts';
import { findCommand } from '../src/doors/cli/parse.ts';
import { tools } from '../src/doors/mcp/tools.ts';
import { DEFAULT_SETTINGS, parseSettings } from '../src/machine/settings.ts';

const COMMANDS = await allCommands();

interface Package {
  readonly version: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}
interface Lock {
  readonly packages: Readonly<Record<string, { readonly license?: string; readonly hasInstallScript?: boolean }>>;
}

const DOCUMENTS = [...globSync('*.md'), ...globSync('docs/**/*.md')];
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own file, in the shape npm wants
const pack = JSON.parse(text('package.json')) as Package;
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- in the shape npm gives it
const lock = JSON.parse(text('package-lock.json')) as Lock;

test('every link leads to a file, and to a heading of it', () => {
  const links = DOCUMENTS.flatMap((file) => linksOf(file));
  assert.ok(links.length > 20, `only ${links.length} links were seen`);
  assert.deepEqual(
    links.filter(({ path, anchor }) => !existsSync(path) || (anchor !== '' && !headingsOf(path).includes(anchor))),
    [],
  );
});

test('every dependency has a line that is true, and no line is without one', () => {
  const wanted = Object.keys({ ...pack.dependencies, ...pack.devDependencies }).toSorted();
  const rows = [...text('docs/dependencies.md').matchAll(/^\| `([^`]+)` +\|.*\| *(\S+) *\| *(.+?) *\|$/gm)];
  assert.deepEqual(rows.map(([, name = '']) => name).toSorted(), wanted);
  for (const [, name = '', licence, script = ''] of rows) {
    const { license, hasInstallScript = false } = lock.packages[`node_modules/${name}`] ?? {};
    const said = /^(?:yes, (allowed|denied)|(no)$)/.exec(script);
    const isAllowed = pack.allowScripts[name];
    const found = isAllowed === undefined ? 'no' : isAllowed ? 'allowed' : 'denied';
    assert.deepEqual([name, licence, said?.[1] ?? said?.[2]], [name, license, hasInstallScript ? found : 'no']);
  }
});

test('N08: nothing runs at installation that was not decided about by name', () => {
  const withScript = Object.entries(lock.packages).filter(([, { hasInstallScript }]) => hasInstallScript === true);
  const names = withScript.map(([path]) => path.split('node_modules/').at(-1) ?? '');
  assert.deepEqual([...new Set(names)].toSorted(), Object.keys(pack.allowScripts).toSorted());
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare']) assert.ok(!(script in pack.scripts));
});

/** N10: the one file that may, and the one that may import it. Both act only on an address that config.toml names. */
const SPEAKING_FILE = 'src/sources/kv.ts';
const ITS_IMPORTER = 'src/sources/source.ts';

test('N10: one file of ours knows how to speak to a network, to the address in the settings, and no other does', () => {
  const files = globSync('src/**/*.ts');
  assert.ok(files.length > 80, `only ${files.length} files were seen`);
  const speaking = /'node:(?:http|https|http2|dns|tls|dgram|dns\/promises)'|\bfetch\(|\bnew WebSocket\(/;
  assert.deepEqual(
    files.filter((file) => speaking.test(text(file))),
    [SPEAKING_FILE],
  );
  const importers = files.filter((file) => /from '[^']*\/kv\.ts'/.test(text(file)));
  assert.deepEqual(importers, [ITS_IMPORTER]);
  const kv = text(SPEAKING_FILE);
  assert.deepEqual(
    [...kv.matchAll(/'node:(?:https?|http2|dns|tls|dgram)'/g)].map(([name]) => name),
    ["'node:http'", "'node:https'"],
  );
  assert.deepEqual(
    [...kv.matchAll(/new URL\(([^)]*)\)/g)].map(([, from]) => from),
    ['address'],
  );
  assert.equal([...kv.matchAll(/\bhttps?Request\(url, /g)].length, [...kv.matchAll(/\bhttps?Request\(/g)].length);
  assert.equal(DEFAULT_SETTINGS.sources.size, 0);
});

test('the changelog begins with the version of the package', () => {
  assert.equal(/^## (\S+)/m.exec(text('CHANGELOG.md'))?.[1], pack.version);
});

test('every command that a document names exists, with its flags', () => {
  const named = DOCUMENTS.flatMap((file) => commandsIn(file));
  assert.ok(named.length > 30, `only ${named.length} commands were seen`);
  for (const words of named) {
    const path = words.filter((word) => !word.startsWith('-'));
    const found = findCommand(COMMANDS, path);
    const known = found.kind === 'command' ? { ...GLOBAL_FLAGS, ...found.command.flags } : GLOBAL_FLAGS;
    assert.ok(found.kind === 'command' || found.path.length > 0, words.join(' '));
    for (const flag of words.filter((word) => /^--[a-z]/.test(word))) {
      assert.ok(flag.slice(2) in known, `keystile ${words.join(' ')}`);
    }
  }
});

test('every npm script that a document names exists', () => {
  const named = DOCUMENTS.flatMap((file) => [...text(file).matchAll(/(?:`|^|&& )npm run\s+([a-z][a-z:]*)/gm)]);
  assert.ok(named.length > 5, `only ${named.length} were seen`);
  assert.deepEqual(
    named.map(([, script = '']) => script).filter((script) => !(script in pack.scripts)),
    [],
  );
});

test('the README names every tool, and no other', () => {
  const section = /## What the agent sees\n(.*?)\n## /s.exec(text('README.md'))?.[1] ?? '';
  const listed = [.../^.*?: (.*?)\./s.exec(section)![1]!.matchAll(/`([a-z_]+)`/g)].map(([, name]) => name);
  assert.deepEqual(
    listed,
    tools().map(({ name }) => name),
  );
});

test('every variable that a document names is read somewhere', () => {
  const read = [...globSync('src/**/*.ts'), 'bin/keystile'].map((file) => text(file)).join('\n');
  const named = DOCUMENTS.flatMap((file) => [...text(file).matchAll(/\$([A-Z][A-Z_]+)|\b(KEYSTILE_[A-Z]+)\b/g)]);
  assert.ok(named.length > 2, `only ${named.length} were seen`);
  assert.deepEqual(
    named.map(([, a, b]) => a ?? b ?? '').filter((name) => !read.includes(name)),
    [],
  );
});

test('the settings in the README are the defaults', () => {
  const toml = /```toml\n(.*?)```/s.exec(text('README.md'))?.[1] ?? '';
  assert.match(toml, /^memory_mib/m);
  assert.deepEqual(parseSettings(toml), DEFAULT_SETTINGS);
});

test('the sources of docs/sources.md are settings, and its table has every key there is', () => {
  const document = text('docs/sources.md');
  const toml = /```toml\n(.*?)```/s.exec(document)?.[1] ?? '';
  assert.deepEqual([...parseSettings(toml).sources.values()].map(({ kind }) => kind).toSorted(), [
    'op',
    'pass',
    'vault-kv2',
  ]);
  const table = document.slice(0, document.indexOf('## What a reference means'));
  const listed = [...table.matchAll(/^\| `([a-z_]+)` +\| .*(?:all|`(?:op|pass|kv2|vault-kv2)`)/gm)].map(
    ([, key = '']) => key,
  );
  const read = [
    ...text('src/machine/source-settings.ts').matchAll(/(?:table\.\w+|parsePath)\((?:table, )?'([a-z_]+)'/g),
  ].map(([, key = '']) => key);
  assert.deepEqual([...new Set(listed)].toSorted(), [...new Set(read)].toSorted());
});

test('every attack case of a test is in SECURITY.md, and every test it names is there', () => {
  const security = text('SECURITY.md');
  const rows = [...security.matchAll(/^\| ([A-Z]\d\d) +\|.*\| *([SBR–]) *\| *(.*?) *\|$/gm)];
  assert.ok(rows.length > 80, `only ${rows.length} cases were seen`);
  const known = new Set(rows.map(([, id]) => id));
  assert.equal(known.size, rows.length);
  const titles = globSync('test/**/*.test.ts').flatMap((file) => text(file).match(/(?:test|it)\(\s*['"`].*/g) ?? []);
  const cited = titles.flatMap((title) => title.match(/\b[ACDEFLMNOSX]\d\d\b/g) ?? []);
  assert.deepEqual(
    cited.filter((id) => !known.has(id)),
    [],
  );
  const files = rows.flatMap(([, , , where = '']) => [...where.matchAll(/`([^`]+)`/g)].map(([, file]) => file));
  assert.deepEqual(
    files.filter((file) => !existsSync(`test/${file}.test.ts`)),
    [],
  );
});

test('decisions are numbered without a gap, and begin with their number', () => {
  const files = globSync('docs/decisions/*.md').toSorted();
  for (const [i, file] of files.entries()) {
    const number = String(i + 1).padStart(4, '0');
    assert.equal(basename(file).slice(0, 5), `${number}-`);
    assert.match(text(file), new RegExp(`^# ${number}: `));
  }
});

function text(file: string): string {
  return readFileSync(file, 'utf8');
}

/** Links to files of ours, from the root of the repository. */
function linksOf(file: string): { file: string; path: string; anchor: string }[] {
  return [...text(file).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor = ''] = target.split('#');
      return { file, path: path === '' ? file : join(dirname(file), path), anchor };
    });
}

/** Anchors of the headings of a document, as GitHub makes them. */
function headingsOf(file: string): string[] {
  return [...text(file).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** The words after `keystile` in spans of code and blocks of shell, as far as they are the command's own. */
function commandsIn(file: string): string[][] {
  const spans = [...text(file).matchAll(/`(keystile [^`\n]+)`/g)].map(([, span = '']) => span);
  const lines = [...text(file).matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = '']) => block.split('\n'));
  return [...spans, ...lines]
    .map((line) => line.replace(/\s[#>|].*$/, ''))
    .filter((line) => line.startsWith('keystile '))
    .map((line) => line.split(/\s+/).slice(1))
    .filter(([first = '']) => /^[a-z]/.test(first));
}
