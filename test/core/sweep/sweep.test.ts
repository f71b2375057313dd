// The second look: every way of sweep-ways.ts with every shape of a secret, what programs print that is no secret, tokens, and
// texts made to be slow.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import test, { describe } from 'node:test';
import * as zlib from 'node:zlib';

import { SHAPES } from '../../../scripts/cases/shapes.ts';
import { NeedleSet } from '../../../src/core/redactor/needles.ts';
import { Sweeper, type Swept } from '../../../src/core/sweep/sweep.ts';
import { ROOT } from '../../house.ts';
import { WAYS } from './sweep-ways.ts';

/** Made when it is used for the first time: whoever picks a few of these tests does not wait for the others. */
function sweeperFor(values: Readonly<Record<string, string | Buffer>>): Pick<Sweeper, 'sweep'> {
  const made = lazily(() => {
    const sources = Object.entries(values).map(([name, value]) => ({ name, value: Buffer.from(value) }));
    return new Sweeper(sources, NeedleSet.compile(sources));
  });
  return { sweep: (text) => made().sweep(text) };
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly it: T } | undefined;
  return () => (made ??= { it: make() }).it;
}

const JWT = [
  { alg: 'HS256', typ: 'JWT' },
  { sub: 'canary', scope: 'all', exp: 4102444800 },
]
  .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .concat(createHash('sha256').update('jwt').digest('base64url'))
  .join('.');
const SECRETS = [...SHAPES, { name: 'JWT', value: Buffer.from(JWT) }];

/** Letters and digits of what is left beside markers, without the words around it and the first address of a dump. */
function leftOf({ text }: Swept): string {
  return text
    .toString('latin1')
    .replaceAll(/\[REDACTED:K\]|^key: (?:0{7,8})?| end$/g, '')
    .replaceAll(/\p{Cc}(?:\[[\d;]*[a-zA-Z]|\]0;x)|^ *\d+\t/gmu, '')
    .replaceAll(/[^A-Za-z0-9]/g, '');
}

/**
 * Filler that is a letter is found by its step, in bytes: not between letters of two. Of a key some letters stay that all keys
 * begin with.
 */
const MISSED = new Set(['password: an x between letters', 'password: xyz between letters', 'PEM: code points']);

for (const { name, value } of SECRETS) {
  describe(`a ${name} is hidden when it is written as`, () => {
    const sweeper = sweeperFor({ K: value });
    for (const way of WAYS.filter((it) => !MISSED.has(`${name}: ${it.name}`))) {
      test(way.name, () => {
        const written = Buffer.concat([Buffer.from('key: '), Buffer.from(way.write(value)), Buffer.from(' end')]);
        const swept = sweeper.sweep(written);
        assert.match(swept.text.toString('latin1'), /\[REDACTED:K\]/);
        const left = leftOf(swept);
        assert.ok(left.length < 8, `${left.length} letters are left`);
        assert.deepEqual(
          swept.redactions.map((redaction) => redaction.name),
          ['K'],
        );
        assert.deepEqual(sweeper.sweep(swept.text).text, swept.text, 'a second time nothing is found');
      });
    }
  });
}

test('there are at least 60 ways, each with another name', () => {
  assert.ok(WAYS.length >= 60);
  assert.equal(new Set(WAYS.map(({ name }) => name)).size, WAYS.length);
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('what is said of a find', () => {
  const sweeper = sweeperFor({ TOKEN: 'sk-canary-7Qm2x9Lw4' });
  for (const [what, text, expected, forms, signs] of [
    ['as it is', 'a sk-canary-7Qm2x9Lw4 b', 'a [REDACTED:TOKEN] b', ['raw'], [0, 0, 0]],
    ['with spaces', 'a s k - c a n a r y - 7 Q m 2 x 9 L w 4 b', 'a [REDACTED:TOKEN] b', ['scattered'], [1, 0, 0]],
    [
      'base64 of base64 in hex',
      `a ${Buffer.from(base64(base64('sk-canary-7Qm2x9Lw4'))).toString('hex')} b`,
      'a [REDACTED:TOKEN] b',
      ['decoded'],
      [0, 1, 0],
    ],
    [
      'a token of nobody',
      `a ghp_${'canaryCANARY'.repeat(3)} b`,
      'a [REDACTED:pattern/github] b',
      ['pattern'],
      [0, 0, 1],
    ],
  ] as const) {
    test(what, () => {
      const swept = sweeper.sweep(Buffer.from(text));
      assert.equal(swept.text.toString(), expected);
      assert.deepEqual(
        swept.redactions.map(({ forms: own }) => own),
        [forms],
      );
      const { scattered, decoded, shapes, isComplete } = swept.signs;
      assert.deepEqual([scattered, decoded, shapes, isComplete], [...signs, true]);
    });
  }
});

test('only the bytes of the secret are cut, whatever stands right before and behind it', () => {
  const sweeper = sweeperFor({ K: 'canary7Qm2x9Lw4' });
  for (const [before, behind] of [
    ['<', '>'],
    ['x=', ';'],
    ['"', '",'],
    ['\x1b[1m', '\x1b[0m'],
    ['é', 'é'],
    ['ü', '漢'],
  ]) {
    const swept = sweeper.sweep(Buffer.from(`${before}canary\x1b[31m-7Qm2\n | x9Lw4${behind}`));
    assert.equal(swept.text.toString(), `${before}[REDACTED:K]${behind}`);
  }
});

test('what is encoded one below the other is cut one by one, and the words between are left', () => {
  const [value, other] = ['sk-canary-7Qm2x9Lw4', 'canary:p4ss-W0rd/é'];
  const sweeper = sweeperFor({ A: value, B: other });
  const twice = (text: string): string => Buffer.from(Buffer.from(text).toString('base64')).toString('base64');
  const lines = (a: string, b: string): string => `\n@@ 21 first @@\n${a}\n@@ 22 other @@\n${b}\n@@ 23 end @@\n`;
  const swept = sweeper.sweep(Buffer.from(lines(twice(value), twice(other))));
  assert.equal(swept.text.toString(), lines('[REDACTED:A]', '[REDACTED:B]'));
});

describe('tokens that no variable holds', () => {
  const sweeper = sweeperFor({ K: 'sk-canary-7Qm2x9Lw4' });
  const letters = (count: number): string =>
    createHash('sha512')
      .update('minted')
      .digest('base64')
      .replaceAll(/[^A-Za-z0-9]/g, '')
      .slice(0, count);
  const key = (label: string): string =>
    `-----BEGIN ${label}-----\n${letters(64)}\n${letters(20)}==\n-----END ${label}-----`;
  for (const [name, token] of [
    ['github', `ghp_${letters(36)}`],
    ['github', `github_pat_${letters(22)}_${letters(59)}`],
    ['sk', `sk-proj-${letters(48)}`],
    ['stripe', `sk_live_${letters(24)}`],
    ['slack', `xoxb-123456789012-${letters(24)}`],
    ['slack', `xoxp-123456789012-${letters(24)}`],
    ['aws', 'AKIACANARYCANARY1234'],
    ['aws', 'ASIACANARYCANARY1234'],
    ['jwt', JWT],
    ['private-key', key('PRIVATE KEY')],
    ['private-key', key('RSA PRIVATE KEY')],
    ['private-key', key('OPENSSH PRIVATE KEY').replaceAll('\n', '\\n')],
  ] as const) {
    test(`${name}: ${token.slice(0, 12)}`, () => {
      const swept = sweeper.sweep(Buffer.from(`minted: "${token}" now`));
      assert.equal(swept.text.toString(), `minted: "[REDACTED:pattern/${name}]" now`);
      assert.deepEqual(swept.redactions, [{ name: `pattern/${name}`, count: 1, forms: ['pattern'] }]);
      assert.deepEqual(sweeper.sweep(swept.text).text, swept.text);
    });
  }

  test('of an address the password alone', () => {
    const swept = sweeper.sweep(Buffer.from('cloning https://bob:hunter22@git.example/x.git'));
    assert.equal(swept.text.toString(), 'cloning https://bob:[REDACTED:pattern/url-password]@git.example/x.git');
  });

  test('a key whose end is missing is cut with the lines that are there, and nothing behind it', () => {
    const cut = key('PRIVATE KEY').split('\n').slice(0, 3).join('\n');
    assert.equal(
      sweeper.sweep(Buffer.from(`${cut}\nand more text\n`)).text.toString(),
      '[REDACTED:pattern/private-key]\nand more text\n',
    );
  });

  test('what only looks a little like one stays', () => {
    const innocent = [
      'ghp_short',
      'task-management-of-many-things-at-once',
      'a.sk-folding-cube-and-more-names { }',
      'AKIA-1234',
      'eyJhbGciOiJIUzI1NiJ9',
      'https://user:$PASSWORD@host',
      'https://user:***@host',
      'http://[::1]:8080/a@b',
      'at file:///a/b.js:10:5',
      'git@github.com:a/b.git',
      "if (text.includes('-----BEGIN PRIVATE KEY-----')) throw new Error('a key')",
      'ssh://git@host:22/x',
      'postgres://user@host:5432/db',
    ].join('\n');
    assert.equal(sweeper.sweep(Buffer.from(innocent)).text.toString(), innocent);
  });
});

describe('what programs print comes through byte for byte', () => {
  const sweeper = sweeperFor(Object.fromEntries(SECRETS.map(({ value }, k) => [`SECRET_${k}`, value])));
  // The frame of a key in base64 is a part of the key in base64.
  const code = lazily(() => {
    const sources = globSync('src/**/*.ts', { cwd: ROOT })
      .map((path) => readFileSync(`${ROOT}/${path}`))
      .filter((source) => !source.includes('PRIVATE KEY'));
    return Buffer.concat(sources).subarray(0, 300_000);
  });
  const digits = lazily(() =>
    Array.from({ length: 4_000 }, (_, k) => createHash('sha1').update(String(k)).digest('hex')),
  );
  const printed = (program: string, args: string[], input: Buffer = code().subarray(0, 60_000)): Buffer | null => {
    const { stdout, status } = spawnSync(program, args, { input, cwd: ROOT, maxBuffer: 64 * 1024 * 1024 });
    // diff says by 1 that there are differences.
    return status === 0 || status === 1 ? stdout : null;
  };
  const outputs: Record<string, () => Buffer | null> = {
    'source code': () => code(),
    'source code in base64': () => Buffer.from(code().toString('base64')),
    'source code in lines of base64, of gzip': () =>
      Buffer.from(zlib.gzipSync(code()).toString('base64').replaceAll(/.{76}/g, '$&\n')),
    'a hundred kilobytes of hex': () => Buffer.from(code().subarray(0, 100_000).toString('hex')),
    'digests in a list': () =>
      Buffer.from(
        digits()
          .map((line, k) => `${line}  file-${k}.txt`)
          .join('\n'),
      ),
    'a table': () =>
      Buffer.from(
        digits()
          .slice(0, 500)
          .map((line, k) => `│ ${k} │ ${line.slice(0, 7)} │ active │ 2026-01-0${k % 9} │`)
          .join('\n'),
      ),
    'JSON in one line': () =>
      Buffer.from(
        JSON.stringify(
          digits().map((digest, id) => ({ id, digest, name: `item ${id}`, tags: ['a', 'b'], price: id * 1.5 })),
        ),
      ),
    'colours and progress': () =>
      Buffer.from(
        digits()
          .slice(0, 900)
          .map((line, k) => `\x1b[32m✓\x1b[0m ${line.slice(0, 12)} \x1b[2K\r${k}%`)
          .join(''),
      ),
    numbers: () => Buffer.from(Array.from({ length: 60_000 }, (_, k) => (k * 7_919) % 256).join(', ')),
    'random bytes': () => Buffer.concat(digits().map((line) => Buffer.from(line, 'hex'))),
    'a certificate and a public key': () =>
      Buffer.from(
        `-----BEGIN CERTIFICATE-----\n${code().subarray(0, 900).toString('base64')}\n-----END CERTIFICATE-----\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${digits()[0]} me@here\n`,
      ),
    'bundled JavaScript': () =>
      Buffer.from(
        readFileSync(`${ROOT}/${globSync('node_modules/oxfmt/dist/prettier-*.js', { cwd: ROOT })[0]}`)
          .subarray(0, 600_000)
          .toString('latin1')
          .replaceAll(/\s+/g, ' '),
      ),
    'git log': () => printed('git', ['log', '--stat', '-50']),
    'a patch': () => printed('diff', ['-u', 'src/main.ts', 'src/daemon.ts']),
    'ls -lR': () => printed('ls', ['-lR', 'src', 'docs', 'test']),
    xxd: () => printed('xxd', []),
    'hexdump -C': () => printed('hexdump', ['-C']),
    'od -c': () => printed('od', ['-c']),
    od: () => printed('od', []),
    env: () =>
      printed('env', [
        '-i',
        'PATH=/usr/local/bin:/usr/bin',
        'HOME=/root',
        'LS_COLORS=rs=0:di=01;34:ln=01;36',
        'LANG=C.UTF-8',
        'env',
      ]),
    'ps -A': () => printed('ps', ['-A']),
    'the table of docs/masking.md': () => readFileSync(`${ROOT}/docs/masking.md`),
    'the lock file': () => readFileSync(`${ROOT}/package-lock.json`),
  };
  for (const [what, output] of Object.entries(outputs)) {
    test(what, (t) => {
      const text = output();
      if (text === null) {
        t.skip('there is no such program');
        return;
      }
      assert.ok(text.length > 20, 'it printed something');
      const swept = sweeper.sweep(text);
      assert.deepEqual(swept.redactions, []);
      assert.ok(swept.text.equals(text));
    });
  }

  test('words are no passphrase, until their letters stand apart', () => {
    const words = sweeperFor({ K: 'admin-password' });
    const innocent = 'The admin password is wrong. ADMIN_PASSWORD is not set; admin.password: null\n';
    assert.equal(words.sweep(Buffer.from(innocent)).text.toString(), innocent);
    assert.equal(words.sweep(Buffer.from('a d m i n - p a s s w o r d')).text.toString(), '[REDACTED:K]');
  });

  test('eight digits are no number of a list, until they stand apart', () => {
    const number = sweeperFor({ K: '20260131' });
    const innocent = '2026-01-31 12:00:00\n2026 0131\n';
    assert.equal(number.sweep(Buffer.from(innocent)).text.toString(), innocent);
    assert.equal(number.sweep(Buffer.from('2 0 2 6 0 1 3 1')).text.toString(), '[REDACTED:K]');
  });
});

describe('I8: a text that is made to be slow or large', () => {
  const value = 'sk-canary-7Qm2x9Lw4';
  const sweeper = sweeperFor({ K: value });
  const SIZE = 1024 * 1024;

  test('a bomb is opened a little and cut when a secret is at its start, and the rest is not promised', () => {
    const bomb = zlib.gzipSync(Buffer.concat([Buffer.from(`${value}\n`), Buffer.alloc(64 * SIZE)]));
    const swept = sweeper.sweep(Buffer.from(`x ${bomb.toString('base64')} y`));
    assert.equal(swept.text.toString(), 'x [REDACTED:K] y');
    assert.equal(swept.signs.isComplete, false);
  });

  test('bombs in bombs, and a great number of them', () => {
    let bomb = zlib.gzipSync(Buffer.alloc(SIZE));
    for (let k = 0; k < 5; k += 1) bomb = zlib.gzipSync(Buffer.alloc(2 * SIZE, bomb));
    const one = zlib.gzipSync(Buffer.alloc(SIZE / 4)).toString('base64');
    const many = Buffer.from(Array.from({ length: 500 }, () => one).join('\n'));
    assert.ok(sweeper.sweep(Buffer.from(bomb.toString('base64'))).text.length > 0);
    assert.equal(sweeper.sweep(many).signs.isComplete, false);
  });

  for (const [what, made] of [
    ['one letter', () => Buffer.alloc(SIZE, 'A')],
    ['separators', () => Buffer.alloc(SIZE, '-: ,')],
    ['escapes', () => Buffer.alloc(SIZE, '\\x41%41&#65;')],
    ['starts of control sequences', () => Buffer.alloc(SIZE, '\x1b]')],
    ['backspaces', () => Buffer.alloc(SIZE, 'a\b')],
    ['starts of keys', () => Buffer.alloc(SIZE, '-----BEGIN PRIVATE KEY-----#')],
    ['starts of tokens', () => Buffer.alloc(SIZE, 'eyJ.eyJ sk-a1A ghp_ ://a:b')],
    ['starts of markers', () => Buffer.alloc(SIZE, '[REDACTED:')],
    ['starts of gzip', () => Buffer.alloc(SIZE, '1f8b0800')],
    ['numbers', () => Buffer.alloc(SIZE, '65 0x41 ')],
    [
      'base64 in base64',
      () =>
        Buffer.from(
          [1, 2, 3, 4].reduce<Buffer>((all) => Buffer.from(all.toString('base64')), Buffer.alloc(SIZE / 4, 'abc')),
        ),
    ],
  ] as const) {
    test(`${what} and nothing else ends, and stays`, () => {
      const text = made();
      assert.ok(sweeper.sweep(text).text.equals(text));
    });
  }

  test('a secret in a secret in a secret, without end, is not shown', () => {
    const nested = (depth: number): string =>
      depth === 0 ? value : value.slice(0, 9) + nested(depth - 1) + value.slice(9);
    const { text } = sweeper.sweep(Buffer.from(nested(5)));
    assert.ok(!text.toString().replaceAll('[REDACTED:K]', '').includes(value));
  });
});

test('after its needles are wiped, it refuses', () => {
  const sources = [{ name: 'K', value: Buffer.from('sk-canary-7Qm2x9Lw4') }];
  const needles = NeedleSet.compile(sources);
  const sweeper = new Sweeper(sources, needles);
  needles.wipe();
  assert.throws(() => sweeper.sweep(Buffer.from('x')), { code: 'internal/error' });
});
