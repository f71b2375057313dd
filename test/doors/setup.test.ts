// `keystile setup`: other programs' files are changed in one place only, once, and can be put back.

import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'smol-toml';
import { Failure } from '../../src/core/failure.ts';
import { readMembers, replaceMember } from '../../src/doors/cli/setup-json.ts';
import { replaceTable } from '../../src/doors/cli/setup-toml.ts';
import { setupClient, type ClientName, type SetupReport } from '../../src/doors/cli/setup.ts';

const LAUNCHER = { command: '/opt/keystile/node', args: ['/opt/keystile/dist/keystile.js'] };

/** As Codex does it: replaces its own entry, and writes the other servers anew, without their comments. */
const FAKE_CODEX = `#!${process.execPath}
const fs = require('node:fs'), path = require('node:path');
const file = path.join(process.env.CODEX_HOME, 'config.toml');
fs.appendFileSync(path.join(process.env.CODEX_HOME, 'calls'), JSON.stringify(process.argv.slice(2)) + '\\n');
let text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
text = text.replace(/\\n?\\[mcp_servers\\.keystile[^]*?(?=\\n\\[(?!mcp_servers\\.keystile)|$)/g, '').replace(/command="foo" # odd spacing/, 'command = "foo"');
if (process.argv[3] === 'add') {
  const at = process.argv.indexOf('--');
  text += '\\n[mcp_servers.keystile]\\ncommand = ' + JSON.stringify(process.argv[at + 1]) + '\\nargs = ' + JSON.stringify(process.argv.slice(at + 2)) + '\\n';
}
fs.writeFileSync(file, text);
`;

const FAKE_CLAUDE = `#!${process.execPath}
const fs = require('node:fs'), path = require('node:path');
const file = path.join(process.env.CLAUDE_CONFIG_DIR, '.claude.json');
const config = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
const servers = (config.mcpServers ??= {}), args = process.argv.slice(2);
if (args[1] === 'remove') delete servers.keystile;
else {
  if (servers.keystile) { console.error('MCP server keystile already exists in user config'); process.exit(1); }
  const at = args.indexOf('--'), env = {};
  for (const [i, a] of args.slice(0, at).entries()) if (a === '-e') { const [k, v] = args[i + 1].split('='); env[k] = v; }
  servers.keystile = { type: 'stdio', command: args[at + 1], args: args.slice(at + 2), env };
}
fs.writeFileSync(file, JSON.stringify(config, null, 2));
`;

/** As VS Code does it (its mcpResourceScannerService): the file is parsed, and written anew without comments. */
const FAKE_CODE = `#!${process.execPath}
const fs = require('node:fs'), path = require('node:path');
const file = path.join(process.env.HOME, '.config/Code/User/mcp.json');
fs.appendFileSync(path.join(process.env.HOME, 'calls'), JSON.stringify(process.argv.slice(2)) + '\\n');
const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '{}';
const config = JSON.parse(text.replace(/^ *\\/\\/.*$/gm, '').replace(/,(\\s*[}\\]])/g, '$1'));
const { name, ...server } = JSON.parse(process.argv[3]);
fs.mkdirSync(path.dirname(file), { recursive: true });
fs.writeFileSync(file, JSON.stringify({ servers: { ...config.servers, [name]: server } }, null, '\\t'));
`;

const EDITOR_CONFIG = `// servers of mine
{
    "inputs": [], // none yet
    "SERVERS": {
        // the one for tickets
        "tickets": { "command": "npx", "args": ["-y", "tickets"] }, /* odd */
        "number": { "command": "x", "timeout": 1e3 } // last
    },
}
`;

const CONFIG = `# my comment
model = "x"   # trailing

[projects."/a b"]
trust_level = "trusted"

[mcp_servers.other]
command="foo" # odd spacing
args = [
  "a", # not the end ]
]
note = """
[mcp_servers.keystile]
in a string
"""

# about the terminal
[tui]
notifications   =   true
`;

let root: string;
let env: Record<string, string>;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'keystile-setup-'));
  env = {
    HOME: root,
    PATH: join(root, 'bin'),
    CODEX_HOME: join(root, 'codex'),
    CLAUDE_CONFIG_DIR: join(root, 'claude'),
  };
  mkdirSync(join(root, 'bin'));
});
afterEach(() => rmSync(root, { recursive: true }));

function installCodex(config?: string): string {
  writeFileSync(join(root, 'bin', 'codex'), FAKE_CODEX, { mode: 0o755 });
  return haveCodexConfig(config);
}

function haveCodexConfig(config?: string): string {
  mkdirSync(join(root, 'codex'));
  const file = join(root, 'codex', 'config.toml');
  if (config !== undefined) writeFileSync(file, config, { mode: 0o640 });
  return file;
}

function installClaude(config?: string): string {
  writeFileSync(join(root, 'bin', 'claude'), FAKE_CLAUDE, { mode: 0o755 });
  mkdirSync(join(root, 'claude'));
  const file = join(root, 'claude', '.claude.json');
  if (config !== undefined) writeFileSync(file, config);
  return file;
}

/** The configuration file of an editor, with `SERVERS` called as it calls them. */
function haveEditorConfig(client: 'cursor' | 'vscode', config?: string): { file: string; config: string } {
  const file = join(root, client === 'cursor' ? '.cursor' : '.config/Code/User', 'mcp.json');
  const text = config?.replaceAll('SERVERS', client === 'cursor' ? 'mcpServers' : 'servers') ?? '';
  mkdirSync(dirname(file), { recursive: true });
  if (config !== undefined) writeFileSync(file, text, { mode: 0o640 });
  return { file, config: text };
}

function setup(client: ClientName, flags: { print?: boolean; remove?: boolean } = {}): Promise<SetupReport> {
  return setupClient({ client, print: false, remove: false, ...flags, launcher: LAUNCHER, env });
}

const hasCode = (code: string) => (error: unknown) => error instanceof Failure && error.code === code;

test('Codex is told how to start us, that we are required, how long to wait, and to ask before each change', async () => {
  const file = installCodex(CONFIG);
  env.KEYSTILE_HOME = '/srv/my home';
  const report = await setup('codex');
  const servers = parse(readFileSync(file, 'utf8')).mcp_servers as Record<string, Record<string, unknown>>;
  assert.equal(report.changed, true);
  assert.deepEqual(
    { ...servers.keystile, tools: null, env: null },
    {
      command: '/opt/keystile/node',
      args: ['/opt/keystile/dist/keystile.js', 'mcp'],
      required: true,
      startup_timeout_sec: 20,
      tool_timeout_sec: 3700,
      default_tools_approval_mode: 'prompt',
      tools: null,
      env: null,
    },
  );
  assert.deepEqual({ ...(servers.keystile?.env as object) }, { KEYSTILE_HOME: '/srv/my home' });
  assert.deepEqual(JSON.parse(readFileSync(join(root, 'codex', 'calls'), 'utf8')), [
    'mcp',
    'add',
    'keystile',
    '--env',
    'KEYSTILE_HOME=/srv/my home',
    '--',
    '/opt/keystile/node',
    '/opt/keystile/dist/keystile.js',
    'mcp',
  ]);
});

test('every byte of the file that is not ours stays, though Codex itself would rewrite some', async () => {
  const file = installCodex(CONFIG);
  await setup('codex');
  const text = readFileSync(file, 'utf8');
  assert.equal(text.slice(0, CONFIG.length), CONFIG);
  assert.match(text.slice(CONFIG.length), /^\n\[mcp_servers\.keystile\]\n/);
  assert.equal(statSync(file).mode & 0o777, 0o640);
});

test('setting up twice changes and writes nothing the second time', async () => {
  const file = installCodex(CONFIG);
  const first = await setup('codex');
  const text = readFileSync(file, 'utf8');
  const { mtimeNs } = statSync(file, { bigint: true });
  const second = await setup('codex');
  assert.equal(second.changed, false);
  assert.equal(second.backup, null);
  assert.equal(readFileSync(file, 'utf8'), text);
  assert.equal(statSync(file, { bigint: true }).mtimeNs, mtimeNs);
  assert.equal(readFileSync(first.backup ?? '', 'utf8'), CONFIG);
  assert.equal(readdirSync(join(root, 'codex')).filter((name) => name.includes('backup')).length, 1);
});

test('--remove leaves the file as it was before', async () => {
  for (const config of [CONFIG, '', 'a = 1\n']) {
    const file = installCodex(config);
    await setup('codex');
    assert.notEqual(readFileSync(file, 'utf8'), config);
    const report = await setup('codex', { remove: true });
    assert.equal(report.changed, true);
    assert.equal(readFileSync(file, 'utf8'), config);
    assert.equal((await setup('codex', { remove: true })).changed, false);
    rmSync(join(root, 'codex'), { recursive: true });
  }
});

test('an entry in the middle is replaced in its place, with what somebody added to it, and switched on again', async () => {
  const old =
    '[mcp_servers.keystile]\ncommand = "old"\nargs = [\n  "[x]",\n]\nenabled = false\nenabled_tools = ["list_variables"]\n\n[mcp_servers.keystile.env]\nDEBUG = "1"\n\n# next\n[b]\nc = 1\n';
  const file = installCodex(`[a]\nx = 1\n\n${old}`);
  await setup('codex');
  const text = readFileSync(file, 'utf8');
  assert.match(text, /^\[a\]\nx = 1\n\n\[mcp_servers\.keystile\]\n/);
  assert.match(text, /\n# next\n\[b\]\nc = 1\n$/);
  const entry = (parse(text).mcp_servers as Record<string, Record<string, unknown>>).keystile;
  assert.deepEqual(entry?.enabled_tools, ['list_variables']);
  assert.deepEqual({ ...(entry?.env as object) }, { DEBUG: '1' });
  assert.equal(entry?.enabled, undefined);
  assert.equal(entry?.command, '/opt/keystile/node');
});

test('without the codex command the file is changed directly, through a link', async () => {
  const file = haveCodexConfig();
  writeFileSync(join(root, 'real.toml'), CONFIG);
  symlinkSync(join(root, 'real.toml'), file);
  await setup('codex');
  assert.match(readFileSync(join(root, 'real.toml'), 'utf8'), /\[mcp_servers\.keystile\]/);
  await setup('codex', { remove: true });
  assert.equal(readFileSync(join(root, 'real.toml'), 'utf8'), CONFIG);
});

test('--print writes nothing and shows the entry and what agents should be told', async () => {
  const report = await setup('codex', { print: true });
  assert.equal(report.changed, false);
  assert.match(report.entry, /^\[mcp_servers\.keystile\]\ncommand = "\/opt\/keystile\/node"\n/);
  assert.match(report.agentsSnippet, /run_with_credentials/);
  assert.ok(report.agentsSnippet.trimEnd().split('\n').length <= 15);
  assert.match((await setup('claude', { print: true })).entry, /"mcpServers"/);
  assert.deepEqual(readdirSync(root), ['bin']);
});

test('a client that is not installed is a clear message with the way out', async () => {
  for (const client of ['codex', 'claude', 'cursor', 'vscode'] as const) {
    await assert.rejects(
      setup(client),
      (error) => hasCode('client/not_installed')(error) && /--print/.test((error as Failure).hint),
    );
  }
});

test('a file that cannot be understood, or not be changed safely, stays as it is', async () => {
  const texts = ['a = ', 'mcp_servers = { keystile = { command = "x" } }\n', '[mcp_servers]\nkeystile.command = "x"\n'];
  for (const text of texts) {
    const file = haveCodexConfig(text);
    await assert.rejects(setup('codex'), hasCode('client/config'));
    assert.equal(readFileSync(file, 'utf8'), text);
    rmSync(join(root, 'codex'), { recursive: true });
  }
});

test('when the client fails, its words are passed on and the file is as before', async () => {
  const file = installCodex(CONFIG);
  writeFileSync(
    join(root, 'bin', 'codex'),
    '#!/bin/sh\necho broken > "$CODEX_HOME/config.toml"; echo "no \x1b[31mwill" >&2; exit 3\n',
  );
  chmodSync(join(root, 'bin', 'codex'), 0o755);
  await assert.rejects(
    setup('codex'),
    (error) => hasCode('client/config')(error) && /no \?\[31mwill/.test((error as Error).message),
  );
  assert.equal(readFileSync(file, 'utf8'), CONFIG);
});

test('Claude Code is told by its own command, once, and again when something differs', async () => {
  const file = installClaude('{\n  "theme": "dark"\n}');
  assert.equal((await setup('claude')).changed, true);
  const { mcpServers, theme } = JSON.parse(readFileSync(file, 'utf8'));
  assert.deepEqual(mcpServers.keystile, {
    type: 'stdio',
    command: '/opt/keystile/node',
    args: ['/opt/keystile/dist/keystile.js', 'mcp'],
    env: {},
  });
  assert.equal(theme, 'dark');
  assert.equal((await setup('claude')).changed, false);
  env.XDG_DATA_HOME = '/srv/data';
  assert.equal((await setup('claude')).changed, true);
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).mcpServers.keystile.env.KEYSTILE_HOME, '/srv/data/keystile');
  assert.equal((await setup('claude', { remove: true })).changed, true);
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')).mcpServers, {});
});

test('without the claude command its file is changed only if no other byte changes', async () => {
  const file = installClaude('{\n  "10": 1,\n  "theme": "dark"\n}\n');
  rmSync(join(root, 'bin', 'claude'));
  await setup('claude');
  assert.match(readFileSync(file, 'utf8'), /^\{\n {2}"10": 1,\n {2}"theme": "dark",\n {2}"mcpServers": \{\n[^]*\}\n$/);
  for (const text of ['{"theme":\t"dark"}', '{\n  "theme": "dark",\n  "2": 1\n}\n']) {
    writeFileSync(file, text);
    await assert.rejects(setup('claude'), hasCode('client/config'));
    assert.equal(readFileSync(file, 'utf8'), text);
  }
});

test('a table put into any file and taken out again leaves the bytes there were', () => {
  const line = fc.constantFrom(
    '# c',
    'x = "[mcp_servers.keystile]"',
    "y = '''\n[z]\n'''",
    'a = [\n  [1], # ]\n]',
    '[t]',
    '[[u.v]]',
    '',
    'k = "\\"#["',
    '[mcp_servers.other]',
  );
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const text = lines.map((each) => `${each}\n`).join('');
      const table = '[mcp_servers.keystile]\ncommand = "c"\n';
      const added = replaceTable(text, ['mcp_servers', 'keystile'], table);
      assert.ok(added.startsWith(text) && added.endsWith(table));
      const again = replaceTable(added, ['mcp_servers', 'keystile'], table);
      assert.equal(again, added);
      // Blank lines at the very end may be one fewer: the one that set the table apart cannot be told from them.
      assert.equal(replaceTable(added, ['mcp_servers', 'keystile'], '').trimEnd(), text.trimEnd());
    }),
  );
  assert.ok(!existsSync(join(root, 'codex')));
});

const ENTRY = { type: 'stdio', command: '/opt/keystile/node', args: ['/opt/keystile/dist/keystile.js', 'mcp'] };

for (const client of ['cursor', 'vscode'] as const) {
  const group = client === 'cursor' ? 'mcpServers' : 'servers';

  test(`${client} is told once, in its file, where every other byte stays; and --remove gives the bytes back`, async () => {
    const { file, config } = haveEditorConfig(client, EDITOR_CONFIG);
    const report = await setup(client);
    const text = readFileSync(file, 'utf8');
    assert.deepEqual([report.changed, report.file], [true, file]);
    assert.deepEqual((readMembers(text)?.[group] as Record<string, unknown> | undefined)?.keystile, ENTRY);
    assert.equal(readFileSync(report.backup ?? '', 'utf8'), config);
    assert.equal(statSync(file).mode & 0o777, 0o640);
    const [before = '', after = ''] = text.split(/,?\n {8}"keystile": \{\n[^]*?\n {8}\}/);
    assert.equal(before.replace('1e3 }, //', '1e3 } //') + after, config);
    const { mtimeNs } = statSync(file, { bigint: true });
    assert.equal((await setup(client)).changed, false);
    assert.equal(statSync(file, { bigint: true }).mtimeNs, mtimeNs);
    assert.equal((await setup(client, { remove: true })).changed, true);
    assert.equal(readFileSync(file, 'utf8'), config);
    assert.equal((await setup(client, { remove: true })).changed, false);
  });

  test(`${client}: a file that is not there yet is made, and an entry keeps what somebody added to it`, async () => {
    const { file } = haveEditorConfig(client);
    env.KEYSTILE_HOME = '/srv/my home';
    await setup(client);
    const made = { [group]: { keystile: { ...ENTRY, env: { KEYSTILE_HOME: '/srv/my home' } } } };
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), made);
    const old = {
      command: 'old',
      args: [],
      env: { DEBUG: '1', KEYSTILE_HOME: '/old' },
      envFile: '/e',
      disabled: true,
      timeout: 60,
    };
    writeFileSync(file, JSON.stringify({ [group]: { keystile: old } }));
    delete env.KEYSTILE_HOME;
    await setup(client);
    const entry = { ...ENTRY, env: { DEBUG: '1' }, envFile: '/e', timeout: 60 };
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { [group]: { keystile: entry } });
  });

  test(`${client}: what cannot be read, or not be changed safely, stays as it is`, async () => {
    for (const config of [
      '{',
      '[]',
      '{"SERVERS": []}',
      '{"a": 1, "a": 2}',
      '// nothing else',
      `{"SERVERS": {"keystile": 1, "keystile": 2}}`,
    ]) {
      const { file, config: text } = haveEditorConfig(client, config);
      await assert.rejects(setup(client), hasCode('client/config'), config);
      assert.equal(readFileSync(file, 'utf8'), text);
    }
  });
}

test('VS Code is asked to add the server itself; the comments it would drop stay', async () => {
  writeFileSync(join(root, 'bin', 'code'), FAKE_CODE, { mode: 0o755 });
  const file = join(root, '.config/Code/User/mcp.json');
  await setup('vscode');
  assert.deepEqual(JSON.parse(readFileSync(join(root, 'calls'), 'utf8')), [
    '--add-mcp',
    JSON.stringify({ name: 'keystile', ...ENTRY }),
  ]);
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { servers: { keystile: ENTRY } });

  writeFileSync(
    file,
    EDITOR_CONFIG.replace('SERVERS', 'servers')
      .replace(' /* odd */', '')
      .replaceAll(/ \/\/ (?:last|none yet)/g, ''),
  );
  await setup('vscode');
  assert.match(readFileSync(file, 'utf8'), /^\/\/ servers of mine\n[^]*\/\/ the one for tickets\n[^]*"keystile": \{/);

  writeFileSync(
    join(root, 'bin', 'code'),
    '#!/bin/sh\necho broken > "$HOME/.config/Code/User/mcp.json"; echo "no display" >&2; exit 1\n',
  );
  env.KEYSTILE_HOME = '/srv/other';
  const before = readFileSync(file, 'utf8');
  await assert.rejects(
    setup('vscode'),
    (error) => hasCode('client/config')(error) && /no display/.test((error as Error).message),
  );
  assert.equal(readFileSync(file, 'utf8'), before);
});

test('--print shows what belongs into the files of the editors, and writes nothing', async () => {
  assert.match(
    (await setup('cursor', { print: true })).entry,
    /^\{\n {2}"mcpServers": \{\n {4}"keystile": \{\n {6}"type": "stdio"/,
  );
  assert.match((await setup('vscode', { print: true })).entry, /^\{\n {2}"servers": \{/);
  assert.deepEqual(readdirSync(root), ['bin']);
});

/** JSON with comments, commas and line ends as people leave them. */
const jsonc = fc
  .tuple(
    fc.array(
      fc.tuple(fc.constantFrom('"a"', '"b"', '"keys"'), fc.constantFrom('1', '{}', '{"x": [1, 2]}', '"// no"')),
      { maxLength: 3 },
    ),
    fc.constantFrom('', '\n  ', '\r\n\t'),
    fc.constantFrom('', ' // c', ' /* , } */'),
    fc.boolean(),
  )
  .map(([pairs, line, comment, hasTrailing]) => {
    const unique = [...new Map(pairs)];
    const isLine = comment.startsWith(' //');
    const start = line === '' && isLine ? '\n' : line;
    const members = unique.map(
      ([key, value], i) => `${start}${key}: ${value}${i < unique.length - 1 || hasTrailing ? ',' : ''}${comment}`,
    );
    return { members: members.join(''), end: isLine || line !== '' ? '\n' : '' };
  });

test('a member put into any file, and taken out again, changes nothing else', () => {
  const value = { command: 'c', args: ['{', '// x'] };
  fc.assert(
    fc.property(jsonc, jsonc, fc.boolean(), (outer, inner, hasGroup) => {
      const group = `"servers": {${inner.members}${inner.end}}`;
      const text = hasGroup
        ? `{${group}${outer.members === '' ? '' : `,${outer.members}`}${outer.end}}`
        : `{${outer.members}${outer.end}}`;
      const before = readMembers(text);
      fc.pre(before !== null);
      const put = replaceMember(text, ['servers', 'keystile'], value) ?? assert.fail('not put');
      const servers = { ...(before['servers'] as object | undefined), keystile: value };
      assert.deepEqual(readMembers(put), { ...before, servers }, put);
      assert.equal(replaceMember(put, ['servers', 'keystile'], value), put);
      const back = replaceMember(put, ['servers', 'keystile'], undefined) ?? assert.fail('not taken out');
      assert.deepEqual(
        readMembers(back),
        { ...before, servers: { ...(before['servers'] as object | undefined) } },
        back,
      );
      if (hasGroup && inner.members !== '') assert.equal(back, text);
    }),
    { numRuns: 1_000 },
  );
});
