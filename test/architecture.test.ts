// The map of the rooms (ARCHITECTURE.md), as a test: the import graph is the trust graph.

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { test } from 'node:test';

/** Room → the rooms it may import. A file directly in src is its own room. */
const MAP: Readonly<Record<string, readonly string[]>> = {
  core: [],
  machine: ['core'],
  vault: ['core', 'machine'],
  audit: ['core', 'machine'],
  wire: ['core', 'machine'],
  sources: ['core', 'machine'],
  delivery: ['core', 'machine'],
  authority: ['core'],
  exchange: ['core'],
  'doors/mcp': ['core', 'wire'],
  'doors/cli': ['core', 'wire', 'machine', 'exchange'],
  daemon: ['core', 'machine', 'vault', 'audit', 'wire', 'delivery', 'authority', 'sources'],
  'daemon.ts': ['core', 'machine', 'vault', 'audit', 'wire', 'delivery', 'authority', 'sources', 'daemon'],
  'main.ts': ['doors/mcp', 'doors/cli', 'machine'],
};

/** Packages and the rooms that may import them. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  koffi: ['machine'],
  otpauth: ['core'],
  'age-encryption': ['exchange'],
  'csv-parse': ['exchange'],
  kdbxweb: ['exchange'],
  zod: ['wire', 'doors/mcp'],
  'smol-toml': ['machine', 'doors/cli'],
  '@modelcontextprotocol/server': ['doors/mcp'],
};

/** I1: the only files in which a value may be in the clear. */
const REVEALING =
  /^(?:core\/secret|vault\/.*|audit\/.*|delivery\/.*|exchange\/.*|daemon\/(?:control-handlers|disclosure-handlers|imports|item-handlers|item-values|jobs|kept-texts|held-outputs)|doors\/cli\/.*|machine\/terminal)\.ts$/;

interface Import {
  readonly from: string;
  readonly to: string;
  readonly isTypeOnly: boolean;
}

const files = globSync('src/**/*.ts').map((file) => relative('src', file));
const imports = files.flatMap((file) => importsOf(file));

test('every room imports only what the map allows it', () => {
  assert.ok(imports.length > 200, `only ${imports.length} imports were seen`);
  const broken = imports.filter(({ from, to }) => !isAllowed(from, to)).map(({ from, to }) => `${from} → ${to}`);
  assert.deepEqual(broken, []);
});

test('the map names every room there is', () => {
  assert.deepEqual([...new Set(files.map((file) => roomOf(file)))].toSorted(), Object.keys(MAP).toSorted());
});

test('I9: sealed variables are asked for in one place, and that place is behind the gate', () => {
  const callers = files.filter((file) => /\.sealedVariables\(/.test(source(file)) && !file.startsWith('vault/'));
  assert.deepEqual(callers, ['daemon/jobs.ts']);
  assert.deepEqual(files.filter((file) => /\brunJob\(/.test(source(file))).toSorted(), [
    'daemon/jobs.ts',
    'daemon/service.ts',
  ]);
  assert.deepEqual(
    files.filter((file) => /powers\.deliver\(/.test(source(file))),
    ['authority/deliveries.ts'],
  );
  assert.deepEqual(
    files.filter((file) => /new Deliveries\(/.test(source(file))),
    ['authority/gate.ts'],
  );
});

test('I9: the value of an item is handed over sealed in one place, and opened only for what the human is shown', () => {
  const callers = (pattern: RegExp): string[] =>
    files.filter((file) => pattern.test(source(file)) && !file.startsWith('vault/'));
  assert.deepEqual(
    callers(/\.sealedField\(/).filter((file) => file !== 'daemon/jobs.ts'),
    [],
  );
  assert.deepEqual(callers(/\.openChosen\(/), ['daemon/item-handlers.ts']);
  assert.deepEqual(callers(/\.openWhole\(/), ['daemon/item-values.ts']);
  assert.deepEqual(callers(/\bexportPage\(/), ['daemon/item-handlers.ts', 'daemon/item-values.ts']);
});

test('I1: only the files of the map call reveal()', () => {
  const callers = files.filter((file) => /\.reveal\(\)/.test(source(file)));
  assert.ok(callers.length > 5, `only ${callers.length} files call it`);
  assert.deepEqual(
    callers.filter((file) => !REVEALING.test(file)),
    [],
  );
});

test('the door of the agents reaches no key, no vault and no native code, however far its imports go', () => {
  const reached = reachedFrom('doors/mcp/serve.ts');
  assert.ok(reached.size > 8, `only ${reached.size} files were reached`);
  const forbidden = [...reached].filter((file) =>
    /^(?:vault|audit|delivery|authority|daemon)\b|machine\/native/.test(file),
  );
  assert.deepEqual(forbidden, []);
});

test('no import goes round in a circle', () => {
  const edges = Map.groupBy(
    imports.filter(({ isTypeOnly, to }) => !isTypeOnly && to.endsWith('.ts')),
    ({ from }) => from,
  );
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    assert.ok(!path.includes(file), [...path, file].join(' → '));
    if (done.has(file)) return;
    for (const { to } of edges.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
});

function importsOf(file: string): Import[] {
  const found: Import[] = [];
  const pattern = /^\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|import\('([^']+)'\)/gm;
  for (const [, type, statically, dynamically] of source(file).matchAll(pattern)) {
    const to = statically ?? dynamically ?? '';
    if (to.startsWith('node:')) continue;
    found.push({
      from: file,
      to: to.startsWith('.') ? normalize(join(dirname(file), to)) : to,
      isTypeOnly: type !== undefined,
    });
  }
  return found;
}

function isAllowed(from: string, to: string): boolean {
  const room = roomOf(from);
  if (!to.endsWith('.ts')) {
    const name = to
      .split('/')
      .slice(0, to.startsWith('@') ? 2 : 1)
      .join('/');
    return (PACKAGES[name] ?? []).includes(room);
  }
  return roomOf(to) === room || (MAP[room] ?? []).includes(roomOf(to));
}

function roomOf(file: string): string {
  const parts = file.split('/');
  return parts[0] === 'doors' ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
}

function reachedFrom(file: string, reached = new Set<string>()): Set<string> {
  if (reached.has(file)) return reached;
  reached.add(file);
  for (const { from, to, isTypeOnly } of imports) {
    if (from === file && !isTypeOnly && to.endsWith('.ts')) reachedFrom(to, reached);
  }
  return reached;
}

function source(file: string): string {
  return readFileSync(join('src', file), 'utf8');
}
