// KV version 2 as a source, against a server here that answers as the API documentation of OpenBao and Vault has it: "Read
// secret version" (200 with data and metadata, 404 with metadata for a version that was deleted or destroyed), "Error
// response" ({"errors": […]}) and "HTTP status codes". A real server could not be had for these tests.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { makeCanary } from '../canaries.ts';
import { has } from '../house.ts';
import { fails, SourceHouse, valueOf, valuesOf } from './house.ts';

const PROGRAM = fileURLToPath(new URL('../programs/source-read.ts', import.meta.url));
const TOKEN = 'hvs.token-of-the-test';
const metadata = {
  created_time: '2026-01-01T00:00:00Z',
  custom_metadata: null,
  deletion_time: '',
  destroyed: false,
  version: 2,
};

let house: SourceHouse;
let canary: string;
let servers: Server[];
let asked: { path: string; headers: IncomingMessage['headers'] }[];
/** The secrets of the namespace and mount there are, by path. */
let secrets: Record<string, unknown>;

beforeEach(() => {
  house = new SourceHouse();
  canary = makeCanary();
  servers = [];
  asked = [];
  secrets = {
    'app/db': {
      password: canary,
      user: `user of ${canary}`,
      port: 5432,
      tls: true,
      none: null,
      list: [canary],
      empty: '',
    },
  };
  writeFileSync(join(house.root, 'token'), `${TOKEN}\n`, { mode: 0o600 });
});
afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
  house[Symbol.dispose]();
});

/** An answer that a test wants whatever was asked; the canary may stand in it. */
type Fixed = { readonly status: number; readonly body: string; readonly headers?: Record<string, string> };

function answer(request: IncomingMessage, response: ServerResponse, fixed: Fixed | undefined): void {
  asked.push({ path: request.url ?? '', headers: request.headers });
  const send = (status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  if (fixed !== undefined) return void response.writeHead(fixed.status, fixed.headers).end(fixed.body);
  if (request.headers['x-vault-token'] !== TOKEN) return send(403, { errors: ['permission denied'] });
  const inNamespace = (request.headers['x-vault-namespace'] ?? 'root') === 'root';
  const path = /^\/v1\/secret\/data\/(.*)$/.exec(decodeURIComponent(request.url ?? ''))?.[1];
  if (!inNamespace || path === undefined)
    return send(404, { errors: [`no handler for route "${request.url}". route entry not found.`] });
  if (path === 'gone')
    return send(404, { data: { data: null, metadata: { ...metadata, deletion_time: '2026-02-01T00:00:00Z' } } });
  if (path === 'burnt') return send(404, { data: { data: null, metadata: { ...metadata, destroyed: true } } });
  const data = secrets[path];
  if (data === undefined) return send(404, { errors: [] });
  send(200, { request_id: 'x', lease_id: '', renewable: false, data: { data, metadata }, warnings: null });
}

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

async function serve(fixed?: Fixed): Promise<string> {
  const port = await listen(createServer((request, response) => answer(request, response, fixed)));
  return `kind = "vault-kv2"\naddress = "http://127.0.0.1:${port}"\ntoken_file = "${house.root}/token"\n`;
}

test('a key of a secret is read, with the token of the file, as the API has it', async () => {
  const source = house.source(await serve());
  assert.equal(await valueOf(source, 'op://team/app/db/password'), canary);
  const [{ path, headers } = { path: '', headers: {} }] = asked;
  assert.equal(path, '/v1/secret/data/app/db');
  assert.equal(headers['x-vault-token'], TOKEN);
  assert.equal(headers['x-vault-request'], 'true');
  assert.equal(headers['x-vault-namespace'], undefined);
  assert.equal(source.forms, 'left');
});

test('a section is one more step of the path, below the prefix; blanks and signs arrive as they are', async () => {
  secrets['team/a/my app/db.1'] = { 'api key': canary };
  const source = house.source(`${await serve()}prefix = "team/a"\nnamespace = "root"`);
  assert.equal(await valueOf(source, 'op://team/my app/db.1/api key'), canary);
  assert.equal(asked[0]?.path, '/v1/secret/data/team/a/my%20app/db.1');
  assert.equal(asked[0]?.headers['x-vault-namespace'], 'root');
});

test('an address may have a path of its own, and that stands before everything', async () => {
  const toml = (await serve()).replace(/(:\d+)"/, '$1/behind/proxy/"');
  await assert.rejects(valueOf(house.source(toml), 'op://team/app/db/password'), fails('source/not_found', [canary]));
  assert.equal(asked[0]?.path, '/behind/proxy/v1/secret/data/app/db');
});

test('no proxy of an environment is asked, also where Node is told to ask one', async () => {
  const proxied: string[] = [];
  const proxy = await listen(
    createServer((request, response) => {
      proxied.push(request.url ?? '');
      response.end();
    }),
  );
  const url = `http://127.0.0.1:${proxy}`;
  const env = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: url, http_proxy: url, HTTPS_PROXY: url, ALL_PROXY: url };
  const child = spawn(process.execPath, [PROGRAM, await serve(), 'op://team/app/db/password'], { env });
  const out: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  await new Promise((done) => child.once('close', done));
  assert.equal(Buffer.concat(out).toString('utf8'), canary);
  assert.deepEqual(proxied, []);
});

test('several keys of one secret are one request', async () => {
  secrets['other'] = { x: 'y' };
  const source = house.source(await serve());
  const references = [
    'op://team/app/db/user',
    'op://team/other/x',
    'op://team/app/db/password',
    'op://team/app/db/port',
  ];
  assert.deepEqual(await valuesOf(source, references), [`user of ${canary}`, 'y', canary, '5432']);
  assert.equal(asked.length, 2);
});

for (const [reference, more, code, says] of [
  ['op://team/app/db/nothing', '', 'source/not_found', /no key for op:\/\/team\/app\/db\/nothing/],
  ['op://team/app/nothing/x', '', 'source/not_found', /no secret secret\/app\/nothing/],
  ['op://team/gone/x', '', 'source/not_found', /was deleted.*undelete/],
  ['op://team/burnt/x', '', 'source/not_found', /was destroyed/],
  ['op://team/app/db/none', '', 'source/failed', /not a text/],
  ['op://team/app/db/list', '', 'source/failed', /not a text/],
  ['op://team/app/db/empty', '', 'source/not_found', /is empty/],
  ['op://team/../sys/x', '', 'source/not_found', /no name in its source/],
  ['op://team/app/db/password', 'mount = "kv"', 'source/not_found', /no KV version 2 at kv; check mount and namespace/],
  ['op://team/app/db/password', 'namespace = "elsewhere"', 'source/not_found', /check mount and namespace/],
] as const) {
  test(`what is not there is said: ${reference} ${more}`, async () => {
    await assert.rejects(
      valueOf(house.source(`${await serve()}${more}`), reference),
      fails(code, [canary, TOKEN], says),
    );
  });
}

for (const [status, code, says] of [
  [307, 'source/failed', /sends us elsewhere/],
  [302, 'source/failed', /sends us elsewhere/],
  [400, 'source/failed', /answered with 400/],
  [403, 'source/sign_in', /refused the token/],
  [429, 'source/unreachable', /busy or a standby/],
  [500, 'source/failed', /answered with 500/],
  [503, 'source/unreachable', /sealed/],
  [204, 'source/failed', /answered with 204/],
] as const) {
  test(`an answer with ${status} is refused, and its words stay where they are`, async () => {
    const target = await serve();
    const elsewhere = /address = "([^"]*)"/.exec(target)?.[1] ?? '';
    const body = status === 204 ? '' : JSON.stringify({ errors: [canary], data: { data: { password: canary } } });
    const source = house.source(
      await serve({ status, body, headers: { location: `${elsewhere}/v1/secret/data/app/db` } }),
    );
    await assert.rejects(valueOf(source, 'op://team/app/db/password'), fails(code, [canary, TOKEN], says));
    assert.equal(asked.length, 1);
  });
}

for (const body of [
  '',
  'null',
  '[]',
  '{"data":{"data":"x"}}',
  '{"data":{"data":{"password":"a","password":"b"}}}',
  '<html>',
  '{"data":',
]) {
  test(`200 with what is no secret of KV version 2 is refused: ${body}`, async () => {
    await assert.rejects(
      valueOf(house.source(await serve({ status: 200, body })), 'op://team/app/db/password'),
      fails('source/failed', [canary, TOKEN], /version 2/),
    );
  });
}

test('a body without end, and one that breaks off, are refused', async () => {
  const endless = createServer((_request, response) => {
    const chunk = Buffer.alloc(1024 * 1024, canary);
    const more = (): void => void response.write(chunk, () => (response.destroyed ? undefined : more()));
    more();
  });
  const broken = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write(`{"data":{"data":{"password":"${'a'.repeat(20)}`, () => response.destroy());
  });
  for (const [server, code, says] of [
    [endless, 'source/failed', /more than/],
    [broken, 'source/unreachable', /cannot reach/],
  ] as const) {
    const port = await listen(server);
    const source = house.source(
      `kind = "vault-kv2"\naddress = "http://127.0.0.1:${port}"\ntoken_file = "${house.root}/token"`,
    );
    await assert.rejects(valueOf(source, 'op://team/app/db/password'), fails(code, [canary, TOKEN], says));
  }
});

test('a server that does not answer, and one that is not there', async () => {
  const silent = await listen(createServer(() => undefined));
  const toml = (port: number) =>
    `kind = "vault-kv2"\naddress = "http://127.0.0.1:${port}"\ntoken_file = "${house.root}/token"`;
  await assert.rejects(
    valueOf(house.source(toml(silent), 200), 'op://team/a/b'),
    fails('source/unreachable', [TOKEN], /did not answer/),
  );
  const caller = new AbortController();
  const reading = valueOf(house.source(toml(silent)), 'op://team/a/b', caller.signal);
  caller.abort(new Error('locked'));
  await assert.rejects(reading, /locked/);
  await assert.rejects(
    valueOf(house.source(toml(1)), 'op://team/a/b'),
    fails('source/unreachable', [TOKEN], /ECONNREFUSED/),
  );
});

test('a token is taken from a private file or a command, and nothing is sent without one', async () => {
  const toml = await serve();
  chmodSync(join(house.root, 'token'), 0o644);
  await assert.rejects(valueOf(house.source(toml), 'op://team/a/b'), fails('home/unsafe', [TOKEN]));
  chmodSync(join(house.root, 'token'), 0o600);
  for (const text of ['', 'two words', `${TOKEN}\nx-evil: 1`, 'é']) {
    writeFileSync(join(house.root, 'token'), text);
    await assert.rejects(valueOf(house.source(toml), 'op://team/a/b'), fails('source/sign_in', [TOKEN]));
  }
  await assert.rejects(
    valueOf(house.source(toml.replace('/token"', '/absent"')), 'op://team/a/b'),
    fails('source/sign_in', [TOKEN], /no token file/),
  );
  assert.equal(asked.length, 0);

  const command = house.program('login', `test "$1" = now && echo ${TOKEN}`);
  const of = (...argv: string[]) => toml.replace(/token_file = .*/, `token_command = ${JSON.stringify(argv)}`);
  assert.equal(await valueOf(house.source(of(command, 'now')), 'op://team/app/db/password'), canary);
  const long = house.program('long', 'head -c 10000 /dev/zero | tr "\\0" a');
  await assert.rejects(valueOf(house.source(of(long)), 'op://team/a/b'), fails('source/sign_in', [TOKEN], /no token/));
  await assert.rejects(
    valueOf(house.source(of(command, 'later')), 'op://team/a/b'),
    fails('source/sign_in', [TOKEN], /it failed/),
  );
});

const skip = has('openssl') ? false : 'openssl is not installed';

test(
  'a certificate counts when it is of the authority that ca_file names, and else nothing is sent',
  { skip },
  async () => {
    const [key, cert] = [join(house.root, 'key.pem'), join(house.root, 'cert.pem')];
    const made = spawnSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-keyout',
        key,
        '-out',
        cert,
        '-days',
        '2',
        '-subj',
        '/CN=kv',
        '-addext',
        'subjectAltName=IP:127.0.0.1',
      ],
      { encoding: 'utf8' },
    );
    assert.equal(made.status, 0, made.stderr);
    const options = { key: readFileSync(key), cert: readFileSync(cert) };
    const port = await listen(createTlsServer(options, (request, response) => answer(request, response, undefined)));
    const toml = `kind = "vault-kv2"\naddress = "https://127.0.0.1:${port}"\ntoken_file = "${house.root}/token"\n`;
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    process.env['NODE_EXTRA_CA_CERTS'] = cert;
    try {
      await assert.rejects(
        valueOf(house.source(toml), 'op://team/app/db/password'),
        fails('source/unreachable', [canary, TOKEN], /DEPTH_ZERO_SELF_SIGNED_CERT.*ca_file/),
      );
    } finally {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      delete process.env['NODE_EXTRA_CA_CERTS'];
    }
    assert.equal(asked.length, 0);
    assert.equal(await valueOf(house.source(`${toml}ca_file = "${cert}"`), 'op://team/app/db/password'), canary);
    const named = toml.replace('127.0.0.1', 'localhost');
    await assert.rejects(
      valueOf(house.source(`${named}ca_file = "${cert}"`), 'op://team/app/db/password'),
      fails('source/unreachable', [canary, TOKEN], /ERR_TLS_CERT_ALTNAME_INVALID/),
    );
    const noCert = join(house.root, 'none.pem');
    for (const text of ['', 'not PEM', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n']) {
      writeFileSync(noCert, text);
      await assert.rejects(
        valueOf(house.source(`${toml}ca_file = "${noCert}"`), 'op://team/app/db/password'),
        fails('source/unreachable', [canary, TOKEN]),
      );
    }
    chmodSync(cert, 0o666);
    await assert.rejects(
      valueOf(house.source(`${toml}ca_file = "${cert}"`), 'op://team/app/db/password'),
      fails('home/unsafe', [canary, TOKEN]),
    );
  },
);

test('any text comes as its own bytes, whatever its neighbours are', async () => {
  const source = house.source(await serve());
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1 }), fc.jsonValue(), async (text, neighbour) => {
      secrets['p'] = { before: neighbour, 'the key': text, after: neighbour };
      assert.equal(await valueOf(source, 'op://team/p/the key'), text);
    }),
    { numRuns: 60 },
  );
});
