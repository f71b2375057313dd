// A key in PEM: what is one, and from where on it differs from others of its kind.

import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { isKey, keyParts } from '../../../src/core/derived/key-parts.ts';
import { made, shown } from './made.ts';

const [BEGIN, END] = ['-----BEGIN PRIVATE KEY-----', '-----END PRIVATE KEY-----'];
const OWN = made('own', 20);

/** How openssl and ssh-keygen begin each key of the kind. */
const BEGINNINGS: Readonly<Record<string, string>> = {
  'RSA in PKCS #8': 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC',
  'RSA of 2048 bits in PKCS #1': 'MIIEpAIBAAKCAQEA',
  'RSA of 4096 bits in PKCS #1': 'MIIJKQIBAAKCAgEA',
  'P-256 in PKCS #8': 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg',
  'Ed25519 in PKCS #8': 'MC4CAQAwBQYDK2VwBCIEI',
  'OpenSSH without a passphrase': 'b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz',
  'a kind that is known by a word in its first 38 letters': `${'M'.repeat(31)}AKCAQEA`,
};
/** Of these it is not known how others begin. */
const OTHERS: Readonly<Record<string, string>> = {
  'any kind': 'MHcCAQEEI',
  'a kind with such a word only behind that': `${'M'.repeat(32)}AKCAQEA`,
};

void describe('of a key what is its own is a secret, not how all begin:', () => {
  for (const [kind, beginning] of Object.entries({ ...BEGINNINGS, ...OTHERS })) {
    void test(kind, () => {
      const known = kind in OTHERS ? '' : beginning;
      const first = beginning.slice(known.length);
      assert.deepEqual(shown(keyParts, `${BEGIN}\n${beginning}${OWN}\nab\n${END}`), [`secret: ${first}${OWN}\nab`]);
      assert.deepEqual(shown(keyParts, `${BEGIN}\n${beginning}\nab\n${END}`), [`secret: ${first}\nab`]);
    });
  }
  void test('a first line that ends before', () => {
    const line = BEGINNINGS['RSA in PKCS #8']!.slice(0, -1);
    assert.deepEqual(shown(keyParts, `${BEGIN}\n${line}\nab\n${END}`), ['secret: \nab']);
  });
});

void test('a key is lines behind a frame, whatever they end in and whatever is around them', () => {
  const key = ['secret: ab\ncd'];
  const rows: ReadonlyArray<readonly [text: string, parts: readonly string[] | undefined]> = [
    [`${BEGIN}\nab\ncd\n${END}`, key],
    [`${BEGIN}\r\nab\r\ncd\r\n${END}\r\n`, key],
    [`${BEGIN}  \n  ab\t\n\n cd\n\n\n${END}\n\n`, key],
    [`${BEGIN}\nab\ncd`, key],
    [`${BEGIN}\nab\n${END}\n${BEGIN}\ncd\n${END}`, key],
    [`${BEGIN}\nab\n`, ['secret: ab']],
    [`${BEGIN}\nab`, undefined],
    [`${BEGIN}\n${END}\n`, undefined],
    [`${BEGIN}\n\n${END}`, undefined],
    [`${BEGIN} ab cd ${END}`, undefined],
    [`ab\n${BEGIN}\ncd\n${END}`, undefined],
    ['- ab\n- cd\n- ef', undefined],
    ['-----\nab\n-----', undefined],
    ['ab', undefined],
    ['', undefined],
  ];
  for (const [text, parts] of rows) {
    assert.deepEqual(shown(keyParts, text), parts, text);
    assert.equal(isKey(Buffer.from(text)), parts !== undefined, text);
  }
});
