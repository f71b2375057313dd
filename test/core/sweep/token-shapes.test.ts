// The looks of tokens: from which length to which, of which letters, and next to what they are none.

import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { tokensIn } from '../../../src/core/sweep/token-shapes.ts';

/** Name and text of each. */
const found = (text: string): string[] =>
  tokensIn(Buffer.from(text, 'latin1')).map(({ name, span: [start, end] }) => `${name} ${text.slice(start, end)}`);

/** Letters and digits that are nobody's. */
const some = (count: number): string => 'cAnary7Qm2x9Lw4'.repeat(Math.ceil(count / 15)).slice(0, count);

describe('a token is one from its least to its greatest length:', () => {
  for (const [name, before, least, most] of [
    ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((start) => ['github', start, 36, 255] as const),
    ['github', 'github_pat_', 22, 255],
    ['gitlab', 'glpat-', 20, 255],
    ['sk', 'sk-', 20, 255],
    ...['sk_live_', 'rk_live_', 'sk_test_', 'rk_test_'].map((start) => ['stripe', start, 16, 255] as const),
    ...['a', 'b', 'e', 'o', 'p', 'r', 's'].map((letter) => ['slack', `xox${letter}-`, 10, 255] as const),
    ['google', 'AIza', 35, 35],
    ['npm', 'npm_', 36, 36],
    ['jwt', `eyJ${some(8)}.eyJ${some(2)}.`, 16, 2_048],
    ['jwt', `eyJ${some(8_192)}.eyJ${some(16_384)}.`, 16, 2_048],
  ] as const) {
    test(`${name}: ${before.slice(0, 12)}`, () => {
      for (const length of [least, most]) {
        const token = before + some(length);
        assert.deepEqual(found(token), [`pattern/${name} ${token}`]);
        assert.deepEqual(found(`x="${token}";`), [`pattern/${name} ${token}`]);
        for (const beside of ['A', 'z', '0', '9', '_', '-']) assert.deepEqual(found(beside + token), [], beside);
      }
      assert.deepEqual(found(before + some(least - 1)), []);
      assert.deepEqual(found(before + some(most + 1)), []);
    });
  }

  test('aws', () => {
    for (const start of ['AKIA', 'ASIA']) {
      const token = `${start}CANARY0Z9CANARY4`;
      assert.deepEqual(found(token), [`pattern/aws ${token}`]);
      for (const other of [token.slice(1), token.slice(0, -1), `${token}A`, `A${token}`, token.replace('C', 'c')])
        assert.deepEqual(found(other), [], other);
    }
  });
});

test('the letters of a token, and those that end one', () => {
  for (const [name, token] of [
    ['github', `github_pat_${some(22)}_${some(20)}`],
    ['gitlab', `glpat-${some(10)}.-_${some(10)}`],
    ['sk', `sk-${some(10)}-_${some(10)}`],
    ['slack', `xoxb-${some(10)}-${some(10)}`],
    ['google', `AIza${some(20)}-_${some(13)}`],
    ['jwt', `eyJ${some(8)}-_.eyJ${some(8)}-_.${some(16)}-_`],
  ]) {
    assert.deepEqual(found(token!), [`pattern/${name} ${token}`]);
  }
  for (const token of [`ghp_${some(20)}-${some(20)}`, `npm_${some(20)}_${some(15)}`, `sk_live_${some(8)}_${some(8)}`])
    assert.deepEqual(found(token), [], token);
  assert.deepEqual(found(`eyJ${some(7)}.eyJ${some(9)}.${some(20)}`), []);
  assert.deepEqual(found(`eyJ${some(9)}.eyJ${some(1)}.${some(20)}`), []);
  assert.deepEqual(found(`eyJ${some(8_193)}.eyJ${some(9)}.${some(20)}`), []);
  assert.deepEqual(found(`eyJ${some(9)}.eyJ${some(16_385)}.${some(20)}`), []);
  assert.deepEqual(found(`eyJ${some(9)}_eyJ${some(9)}_${some(20)}`), []);
});

test('sk- is a token with a capital and a digit near its start', () => {
  const filler = 'abcdefgh_jklmnopqrst-vw';
  for (const [rest, isToken] of [
    [`${filler}A1`, true],
    [`${filler}1A`, true],
    [`A1${filler}`, true],
    [`Z9${filler}`, true],
    [`A0${filler}`, true],
    [`${filler}11`, false],
    [`${filler}AA`, false],
    [filler, false],
    [`${'a'.repeat(63)}A1`, true],
    [`${'a'.repeat(64)}A1`, false],
    [`${'a'.repeat(63)}1A`, true],
    [`${'a'.repeat(64)}1A`, false],
    [`${'a'.repeat(63)}AB1`, false],
    [`${'a'.repeat(63)}12A`, false],
  ] as const) {
    assert.deepEqual(found(`sk-${rest}`), isToken ? [`pattern/sk sk-${rest}`] : [], rest);
  }
});

test('of an address the password', () => {
  for (const [address, password] of [
    ['https://bob:hunter22@git.example', 'hunter22'],
    ['https://:hunter22@[::1]', 'hunter22'],
    ['x://a:abc@_', 'abc'],
    ['x://a:abc@.', 'abc'],
    ['x://a:abc@-', 'abc'],
    ['x://a:ab@host', null],
    ['x://a:abc@/', null],
    ['x://a:abc@', null],
    ['x:/a:abc@host', null],
    ['x://a abc@host', null],
    ['x://a:a$c@host', 'a$c'],
    ...Array.from('$*<{[(', (letter) => [`x://a:${letter}abc@host`, null] as const),
    ['x://a:xxx@host', null],
    ['x://a:xxy@host', 'xxy'],
    ['x://a:...@host', null],
    ['x://a:..b@host', '..b'],
    ...Array.from(' /:@\'"`<>', (letter) => [`x://a:ab${letter}cd@host`, null] as const).filter(
      ([it]) => !it.includes('@c'),
    ),
    ...Array.from(' /@\'"`<>', (letter) => [`x://a${letter}b:abcd@host`, null] as const),
    [`x://${'u'.repeat(128)}:${'p'.repeat(256)}@host`, 'p'.repeat(256)],
    [`x://${'u'.repeat(129)}:abc@host`, null],
    [`x://u:${'p'.repeat(257)}@host`, null],
  ] as const) {
    assert.deepEqual(found(address), password === null ? [] : [`pattern/url-password ${password}`], address);
  }
});

describe('a private key', () => {
  const lines = (count: number): string => `${some(64)}\n`.repeat(count);
  const BEGIN = '-----BEGIN PRIVATE KEY-----';
  const END = '-----END PRIVATE KEY-----';
  const isFound = (text: string, key: string): void => assert.deepEqual(found(text), [`pattern/private-key ${key}`]);

  test('goes from its first line to its last, whatever is written beside it', () => {
    for (const label of [
      'PRIVATE KEY',
      'RSA PRIVATE KEY',
      'EC2 PRIVATE KEY',
      'PGP PRIVATE KEY BLOCK',
      `${'A'.repeat(39)} PRIVATE KEY`,
    ]) {
      const key = `-----BEGIN ${label}-----\n${lines(2)}-----END ${label}-----`;
      isFound(`a key: ${key} and more`, key);
    }
    const headers = `${BEGIN}\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: AES-256-CBC,00FF\r\n\r\n${lines(1)}+/==\n${END}`;
    isFound(`${headers}\n`, headers);
    const json = `${BEGIN}\\n${some(64)}\\r\\n${some(20)}==\\n${END}`;
    isFound(`{"key":"${json}\\n"}`, json);
    const tall = `${BEGIN}\n${lines(1)}-----END ${'A'.repeat(60)}-----`;
    isFound(tall, tall);
  });

  test('has forty letters at least between the two', () => {
    isFound(`${BEGIN}${some(40)}${END}`, `${BEGIN}${some(40)}${END}`);
    assert.deepEqual(found(`${BEGIN}${some(39)}${END}`), []);
    const label = 'A'.repeat(41);
    assert.deepEqual(found(`-----BEGIN ${label}PRIVATE KEY-----\n${lines(2)}${END}`), []);
    assert.deepEqual(found(`-----BEGIN private PRIVATE KEY-----\n${lines(2)}${END}`), []);
    assert.deepEqual(found(`-----BEGIN PUBLIC KEY-----\n${lines(2)}-----END PUBLIC KEY-----`), []);
  });

  test('whose end is missing is its lines', () => {
    isFound(`${BEGIN}\n${lines(3)}and text\n`, `${BEGIN}\n${lines(3).trimEnd()}`);
    isFound(`${BEGIN}\\n${some(64)}\\r\\n${some(20)}==\\nshort`, `${BEGIN}\\n${some(64)}\\r\\n${some(20)}==`);
    isFound(`${BEGIN}\n${some(64)}\n\n\n\n${some(16)}`, `${BEGIN}\n${some(64)}\n\n\n\n${some(16)}`);
    isFound(`${BEGIN}\n${some(64)}\n\n\n\n\n${some(16)}`, `${BEGIN}\n${some(64)}`);
    isFound(`${BEGIN}\n${some(64)}\n${some(15)}`, `${BEGIN}\n${some(64)}`);
    isFound(`${BEGIN}\n${some(64)}# ${some(64)}`, `${BEGIN}\n${some(64)}`);
    isFound(`${BEGIN}\n${some(39)}`, `${BEGIN}\n${some(39)}`);
    assert.deepEqual(found(`${BEGIN}\n${some(38)}`), []);
    assert.deepEqual(found(`${BEGIN}${some(64)}`), []);
  });

  test('two are two, and a first line in a key is none of its own', () => {
    const key = `${BEGIN}\n${lines(1)}${END}`;
    assert.deepEqual(found(`${key}\n${key}`), [`pattern/private-key ${key}`, `pattern/private-key ${key}`]);
    const twice = `${BEGIN}\n${lines(1)}${BEGIN}\n${lines(1)}${END}`;
    isFound(twice, twice);
    const cut = `${BEGIN}\n${lines(1)}`;
    isFound(`${cut}short ${cut}`, cut.trimEnd());
    assert.deepEqual(found(`${cut}# ${key}`), [`pattern/private-key ${cut.trimEnd()}`, `pattern/private-key ${key}`]);
  });
});

test('tokens of all kinds in a text are all found', () => {
  const text = `npm_${some(36)} glpat-${some(20)}\nghp_${some(36)},ghp_${some(37)}`;
  assert.deepEqual(found(text).toSorted(), [
    `pattern/github ghp_${some(36)}`,
    `pattern/github ghp_${some(37)}`,
    `pattern/gitlab glpat-${some(20)}`,
    `pattern/npm npm_${some(36)}`,
  ]);
});
