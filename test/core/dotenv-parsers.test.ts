// What is written is read back by the real readers, byte for byte and nothing else: the law that a mounted file stands
// on (attack F16). A reader that is not on this machine is skipped and says so; docs/dotenv.md has what was measured.

import assert from 'node:assert/strict';
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseEnv } from 'node:util';
import fc from 'fast-check';
import { readDotenv } from '../../src/core/dotenv-read.ts';
import { VARIABLES_MAX } from '../../src/core/environment.ts';
import { writeDotenv, type DotenvVariable } from '../../src/core/dotenv-write.ts';
import { ROOT, has } from '../house.ts';

interface Parser {
  readonly name: string;
  readonly read: (path: string, bytes: Buffer, names: readonly string[]) => ReadonlyMap<string, Buffer>;
  /** Why it cannot be asked here. */
  readonly skip?: string | undefined;
  readonly isMultiline?: false;
  /** What it cannot show us, however it reads it. */
  readonly hides?: string;
}

/** Made-up values for each reader; one start of a program looks at as many as fit into a file. */
const SAMPLES = 600;

const folder = mkdtempSync(join(tmpdir(), 'keystile-dotenv-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const ENV = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: folder, LC_ALL: 'C.UTF-8' };
const SOURCE = 'set -a; . "$0"; exec env -0';

const PARSERS: readonly Parser[] = [
  { name: 'our reader', read: (_, bytes) => new Map(readDotenv(bytes).map(({ name, value }) => [name, value])) },
  { name: 'parseEnv of Node', read: (_, bytes) => fromRecord(parseEnv(bytes.toString())) },
  { name: 'loadEnvFile of Node', read: (path) => ask(process.execPath, [program('dotenv-environment.ts'), path]) },
  {
    name: 'node --env-file',
    read: (path) => ask(process.execPath, [`--env-file=${path}`, program('dotenv-environment.ts')]),
  },
  npmDotenv('npm dotenv', {}),
  npmDotenv('npm dotenv, its fast parser', { fast: true }),
  pythonDotenv('python3'),
  pythonDotenv('/usr/bin/python3'),
  shell('bash', ['--norc']),
  shell('dash'),
  shell('zsh', ['-f']),
  compose('env_file', () => '    env_file: values.env\n'),
  compose('.env', (names) => `    environment:\n${names.map((name) => `      ${name}: "\${${name}}"\n`).join('')}`),
  {
    name: 'direnv',
    skip: has('direnv') && has('bash') ? undefined : 'no direnv',
    isMultiline: false,
    read: (path) => ask('bash', ['--norc', '-c', 'eval "$(direnv dotenv bash "$0")"; exec env -0', path]),
  },
];

for (const { name, read, skip, isMultiline, hides } of PARSERS) {
  test(`F16: ${name} reads exactly what was written, and no variable more`, { skip: skip ?? false }, () => {
    const base = new Set(read(save('empty.env', Buffer.from('\n')), Buffer.from('\n'), []).keys());
    // By hand: fast-check would shrink by starting the program again and again. The seed shows what was tried.
    const seed = Math.floor(Math.random() * 2 ** 31);
    const values = [...ATTACKS, ...SINGLE_CHARACTERS, ...fc.sample(value, { numRuns: SAMPLES, seed })].filter(
      (text) => hides === undefined || !text.includes(hides),
    );
    let count = 0;
    for (let start = 0; start < values.length; start += VARIABLES_MAX) {
      const some = values.slice(start, start + VARIABLES_MAX);
      const variables = some.map((text, k) => ({ name: `V${k}`, value: text }));
      const { bytes, refused } = writeDotenv(variables, { isMultiline: isMultiline ?? true });
      const written = variables.filter((variable) => !refused.includes(variable.name));
      const names = written.map((variable) => variable.name);
      const found = read(save('values.env', bytes), bytes, names);
      assert.deepEqual([...differences(found, base, written)], [], `seed ${seed}`);
      count += written.length;
    }
    assert.ok(count > values.length / 4, `only ${count} values were written`);
  });
}

// --- values that try -----------------------------------------------------------------------------------------------

const ALPHABET = [...'\'"`\\$#={}()!~*?[]&|;<>%^:@+,.-/ \t\nab1_', '\r', '\r\n', '\0', '\x01', '\x1b', '\x7f', '\n\n'];
const WIDE = ['\u0085', '\u00a0', '\u2003', '\u2028', '\u2029', '\ufeff', '\u202e', 'é', '漢', '😀'];
const WORDS = [
  '${V0}',
  '$V1',
  '${V1:-x}',
  '$(id)',
  '`id`',
  '\\n',
  '\\\\',
  "\\'",
  '\\"',
  ' #',
  'EVIL=1',
  'export ',
  "'\\''",
];

const pieces = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...'abcXYZ019') },
  { weight: 4, arbitrary: fc.constantFrom(...ALPHABET) },
  { weight: 2, arbitrary: fc.constantFrom(...WIDE) },
  { weight: 1, arbitrary: fc.constantFrom(...WORDS) },
);
const value: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 6, arbitrary: fc.array(pieces, { maxLength: 8 }).map((parts) => Buffer.from(parts.join(''))) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }).map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)) },
);

const ATTACKS = [
  '',
  '\nEVIL=1',
  '\rEVIL=1',
  '\u2028EVIL=1',
  '\u2029EVIL=1',
  '\u0085EVIL=1',
  "'\nEVIL='1",
  '"\nEVIL="1',
  '\\\nEVIL=1',
  "x'\nEVIL=1\nY='x",
  'a\nEVIL=1\nb',
  '# a\nEVIL=1',
  "\\'\nEVIL=1\nexport Y='",
  '$(echo EVIL)',
  '`echo EVIL`',
  '${EVIL:=1}',
  '${EVIL:-1}',
  '$EVIL',
  '~',
  '~root',
  'a:~',
  '=ls',
  'a:=ls',
  'abc==',
  '[section]',
  'encrypted:x',
  '-----BEGIN KEY-----\nAAAA+/==\n\nBBBB=\n-----END KEY-----\n',
  '{"a": "it\'s", "b": 1}',
  '{"a":1}',
  "it's",
  'C:\\dir\\n',
  'C:\\dir\\',
  'op://vault/item/field',
  'postgres://u:p%40@h:5432/d?x=y&z=$1#f',
  'x'.repeat(64 * 1024),
].map((text) => Buffer.from(text));

/** Every character of ASCII and the wide ones, alone, at both ends, inside, twice, and after a space. */
const SINGLE_CHARACTERS = [...Array.from({ length: 128 }, (_, code) => String.fromCodePoint(code)), ...WIDE]
  .flatMap((c) => [c, `${c}a`, `a${c}b`, `a${c}`, `a${c}${c}b`, `a ${c} b`])
  .map((text) => Buffer.from(text));

// --- the readers ---------------------------------------------------------------------------------------------------

/** What a reader has that was not written so, and what it has not: names, with the value that was written. */
function* differences(
  found: ReadonlyMap<string, Buffer>,
  base: ReadonlySet<string>,
  written: readonly DotenvVariable[],
): Generator<string> {
  const expected = new Map(written.map((variable) => [variable.name, variable.value]));
  for (const [name, text] of found) {
    if (base.has(name) || expected.get(name)?.equals(text) === true) continue;
    yield `${name}: ${JSON.stringify(expected.get(name)?.toString())} became ${JSON.stringify(text.toString())}`;
  }
  for (const [name, text] of expected) {
    if (!found.has(name)) yield `${name}: ${JSON.stringify(text.toString())} is missing`;
  }
}

function save(name: string, bytes: Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

function program(name: string): string {
  return join(ROOT, 'test/programs', name);
}

/** Runs a program that prints an environment as `env -0` does. */
function ask(command: string, args: readonly string[], input?: Buffer): Map<string, Buffer> {
  const { status, stdout, stderr } = run(command, args, input);
  assert.equal(status, 0, `${command}: ${stderr.toString().slice(0, 2_000)}`);
  const variables = new Map<string, Buffer>();
  for (let start = 0; start < stdout.length;) {
    const end = stdout.indexOf(0, start);
    const equals = stdout.indexOf('=', start);
    variables.set(stdout.toString('latin1', start, equals), stdout.subarray(equals + 1, end));
    start = end + 1;
  }
  return variables;
}

function run(command: string, args: readonly string[], input?: Buffer): SpawnSyncReturns<Buffer> {
  // No socket for standard input: with one, bash takes itself for a remote shell and reads ~/.bashrc.
  const stdin = input === undefined ? ('ignore' as const) : ('pipe' as const);
  return spawnSync(command, args, {
    env: ENV,
    cwd: folder,
    stdio: [stdin, 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
    ...(input === undefined ? {} : { input }),
  });
}

function fromRecord(record: NodeJS.Dict<string>): Map<string, Buffer> {
  return new Map(Object.entries(record).map(([name, text]) => [name, Buffer.from(text ?? '')]));
}

function shell(name: string, flags: readonly string[] = []): Parser {
  return {
    name: `${name}, set -a`,
    skip: has(name) ? undefined : `no ${name}`,
    read: (path) => ask(name, [...flags, '-c', SOURCE, path]),
  };
}

/** Used where it is installed; it is no dependency. NODE_PATH may say where. */
function npmDotenv(name: string, options: object): Parser {
  type Dotenv = { readonly parse: (bytes: Buffer, options: object) => Record<string, string> };
  const packageName = 'dotenv';
  const load = createRequire(import.meta.url);
  try {
    const dotenv = load(packageName) as Dotenv;
    return { name, read: (_, bytes) => fromRecord(dotenv.parse(bytes, options)) };
  } catch {
    return { name, skip: 'no npm dotenv', read: () => new Map() };
  }
}

function pythonDotenv(python: string): Parser {
  const hasIt = has(python) && run(python, ['-c', 'import dotenv']).status === 0;
  return {
    name: `python-dotenv of ${python}`,
    skip: hasIt ? undefined : `no python-dotenv for ${python}`,
    read: (path) => ask(python, [program('dotenv-python.py'), path]),
  };
}

/** The variables of a service whose environment comes from the file, as `docker-compose config` prints them. */
function compose(how: string, environmentOf: (names: readonly string[]) => string): Parser {
  const hasIt = has('docker-compose') && run('/usr/bin/python3', ['-c', 'import yaml']).status === 0;
  return {
    name: `docker-compose with ${how}`,
    skip: hasIt ? undefined : 'no docker-compose',
    // It prints this one as it is, and YAML folds it; python-dotenv, which it reads with, is asked above.
    hides: '\u0085',
    read: (_, bytes, names) => {
      // A service has no variables of its own; starting is slow.
      if (names.length === 0) return new Map();
      for (const name of ['values.env', '.env']) save(name, bytes);
      const service = `version: "3"\nservices:\n  it:\n    image: x\n${environmentOf(names)}`;
      save('docker-compose.yml', Buffer.from(service));
      const { status, stdout, stderr } = run('docker-compose', ['config']);
      assert.equal(status, 0, stderr.toString().slice(0, 2_000));
      return ask('/usr/bin/python3', [program('dotenv-compose.py'), 'it'], stdout);
    },
  };
}
