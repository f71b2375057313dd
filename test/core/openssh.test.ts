// SSH keys: what is written is held against the real ssh-keygen, and what that writes is read.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import fc from 'fast-check';

import { Failure } from '../../src/core/failure.ts';
import { isOpenssh, opensshPrivateKey, pemFromOpenssh } from '../../src/core/openssh.ts';
import { bytesOfPem, pemOf } from '../../src/core/pem.ts';
import { SSH_KEY_BYTES_MAX, sshKeyFromPem, sshPublicKey } from '../../src/core/ssh-key.ts';
import { SSH_KEY_KINDS, generateSshKey } from '../../src/vault/ssh-key.ts';
import { canary, has } from '../house.ts';

const skip = has('ssh-keygen') ? false : 'no ssh-keygen';
const folder = mkdtempSync(join(tmpdir(), 'keystile-openssh-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** One key of each kind; RSA of 4096 bits takes a second or more. */
const KEYS = await Promise.all(SSH_KEY_KINDS.map(async (kind) => ({ kind, ...(await generateSshKey(kind)) })));

let files = 0;

function fileOf(content: string | Buffer): string {
  files += 1;
  const path = join(folder, `key-${files}`);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

function sshKeygen(...args: readonly string[]): string {
  return execFileSync('ssh-keygen', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

for (const { kind, privatePem, publicLine, fingerprint } of KEYS) {
  test(`${kind}: ssh-keygen finds the same public key and fingerprint in the key that was written`, { skip }, () => {
    const path = fileOf(opensshPrivateKey(privatePem, 'someone at work'));
    assert.equal(sshKeygen('-y', '-f', path), `${publicLine} someone at work`);
    const bits = kind === 'ed25519' ? '256' : kind.slice('rsa-'.length);
    const type = kind === 'ed25519' ? 'ED25519' : 'RSA';
    assert.equal(sshKeygen('-l', '-f', path), `${bits} ${fingerprint} someone at work (${type})`);
    assert.equal(sshKeygen('-l', '-f', fileOf(publicLine)), `${bits} ${fingerprint} no comment (${type})`);
  });

  test(`${kind}: ssh-keygen exports the same public key (RFC 4716)`, { skip }, () => {
    const exported = sshKeygen('-e', '-f', fileOf(opensshPrivateKey(privatePem)));
    const body = exported.split('\n').filter((line) => !/^----|:/.test(line));
    assert.equal(body.join(''), publicLine.split(' ')[1]);
  });

  test(`${kind}: ssh-keygen signs with the key that was written`, { skip }, () => {
    const path = fileOf(opensshPrivateKey(privatePem));
    const data = fileOf('what is signed');
    sshKeygen('-Y', 'sign', '-q', '-n', 'file', '-f', path, data);
    const signers = fileOf(`someone ${publicLine}\n`);
    const args = ['-Y', 'verify', '-f', signers, '-I', 'someone', '-n', 'file', '-s', `${data}.sig`];
    const said = execFileSync('ssh-keygen', args, { input: 'what is signed', encoding: 'utf8' });
    assert.match(said, /^Good "file" signature for someone/);
  });

  test(`${kind}: a key that was written is read back as the same key`, () => {
    const text = opensshPrivateKey(privatePem, 'x');
    assert.deepEqual(pemFromOpenssh(text), privatePem);
    assert.deepEqual(opensshPrivateKey(text, 'x'), text);
    assert.ok(isOpenssh(text) && !isOpenssh(privatePem));
    assert.match(
      text.toString(),
      /^-----BEGIN OPENSSH PRIVATE KEY-----\n(?:[A-Za-z0-9+/=]{1,70}\n)+-----END OPENSSH PRIVATE KEY-----\n$/,
    );
  });

  test(`${kind}: a key that was generated signs, and its PEM is written as openssl writes it`, () => {
    const key = createPrivateKey(privatePem);
    assert.equal(key.export({ type: 'pkcs8', format: 'pem' }), privatePem.toString());
    const algorithm = kind === 'ed25519' ? null : 'sha256';
    const data = Buffer.from('x');
    assert.ok(verify(algorithm, data, createPublicKey(key), sign(algorithm, data, key)));
  });
}

for (const [type, ...options] of [['ed25519'], ['rsa', '-b', '2048'], ['rsa', '-b', '1024']] as const) {
  test(`a key of ssh-keygen is read: ${[type, ...options].join(' ')}`, { skip }, () => {
    const path = join(folder, `theirs-${type}-${options.at(-1) ?? ''}`);
    sshKeygen('-q', '-t', type, ...options, '-N', '', '-C', 'their comment', '-f', path);
    const pem = pemFromOpenssh(readFileSync(path));
    const { publicLine } = sshPublicKey(sshKeyFromPem(pem), 'their comment');
    assert.equal(`${publicLine}\n`, readFileSync(`${path}.pub`, 'utf8'));
  });
}

test('RSA keys are read from PKCS#1, too, and give the same text', () => {
  const { privatePem } = KEYS[1]!;
  const pkcs1 = createPrivateKey(privatePem).export({ type: 'pkcs1', format: 'pem' });
  assert.deepEqual(opensshPrivateKey(Buffer.from(pkcs1)), opensshPrivateKey(privatePem));
});

test('a private key with a passphrase, of another type or too small is refused with what to do', { skip }, () => {
  const encrypted = join(folder, 'encrypted');
  sshKeygen('-q', '-t', 'ed25519', '-N', 'passphrase', '-f', encrypted);
  assert.throws(() => opensshPrivateKey(readFileSync(encrypted)), { code: 'input/invalid', hint: /passphrase/ });
  const pem = createPrivateKey(KEYS[0]!.privatePem);
  const locked = pem.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' });
  assert.throws(() => opensshPrivateKey(Buffer.from(locked)), { code: 'input/invalid', hint: /passphrase/ });
  const ecdsa = join(folder, 'ecdsa');
  sshKeygen('-q', '-t', 'ecdsa', '-N', '', '-f', ecdsa);
  assert.throws(() => opensshPrivateKey(readFileSync(ecdsa)), { code: 'input/invalid', hint: /Ed25519 or RSA/ });
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  assert.throws(() => opensshPrivateKey(Buffer.from(curve)), { code: 'input/invalid', hint: /Ed25519 or RSA/ });
  const small = generateKeyPairSync('rsa', { modulusLength: 512 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  assert.throws(() => opensshPrivateKey(Buffer.from(small)), { code: 'input/invalid', hint: /bits/ });
});

test('a comment stays on its line', () => {
  const { privatePem } = KEYS[0]!;
  for (const comment of ['a\nb', 'a\rb', 'a\0b']) {
    assert.throws(() => opensshPrivateKey(privatePem, comment), { code: 'input/invalid' });
    assert.throws(() => sshPublicKey(sshKeyFromPem(privatePem), comment), { code: 'input/invalid' });
  }
});

test('what is no key is refused, and not repeated', () => {
  const secret = canary();
  const values = ['', secret, `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`].concat([
    `-----BEGIN OPENSSH PRIVATE KEY-----\n${secret}\n-----END OPENSSH PRIVATE KEY-----\n`,
    'x'.repeat(SSH_KEY_BYTES_MAX + 1),
  ]);
  for (const value of values) {
    for (const read of [opensshPrivateKey, pemFromOpenssh, sshKeyFromPem]) {
      assert.throws(
        () => read(Buffer.from(value)),
        (thrown) => {
          assert.ok(thrown instanceof Failure && thrown.code === 'input/invalid');
          assert.ok(!`${JSON.stringify(thrown.toDocument())}${thrown.stack}${String(thrown.cause)}`.includes(secret));
          return true;
        },
      );
    }
  }
});

test('a damaged OpenSSH key is refused or read as the same key', () => {
  for (const { privatePem } of KEYS.slice(0, 2)) {
    const bytes = bytesOfPem('OPENSSH PRIVATE KEY', opensshPrivateKey(privatePem, 'x'))!;
    const damage = fc.record({ at: fc.nat(bytes.length - 1), to: fc.nat(255), cut: fc.nat(3), more: fc.nat(3) });
    fc.assert(
      fc.property(damage, ({ at, to, cut, more }) => {
        const damaged = Buffer.concat([bytes.subarray(0, bytes.length - cut), Buffer.alloc(more)]);
        if (at < damaged.length) damaged[at] = to;
        try {
          const read = pemFromOpenssh(pemOf('OPENSSH PRIVATE KEY', damaged, 70));
          assert.deepEqual(sshPublicKey(sshKeyFromPem(read)), sshPublicKey(sshKeyFromPem(privatePem)));
        } catch (thrown) {
          assert.ok(thrown instanceof Failure && thrown.code === 'input/invalid', String(thrown));
        }
      }),
      { numRuns: 400 },
    );
  }
});

test('PEM holds any bytes in lines of any width', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 80 }), (bytes, width) => {
      const text = pemOf('X', Buffer.from(bytes), width);
      assert.deepEqual(bytesOfPem('X', text), Buffer.from(bytes));
      const lines = text.toString('latin1').split('\n').slice(1, -2);
      assert.equal(lines.join(''), Buffer.from(bytes).toString('base64'));
      assert.ok(
        lines.every((line, index) => (index === lines.length - 1 ? line.length <= width : line.length === width)),
      );
      assert.deepEqual(
        bytesOfPem('X', Buffer.from(` \n${text.toString().replaceAll('\n', '\r\n')}`)),
        Buffer.from(bytes),
      );
    }),
  );
  for (const text of [
    '',
    '-----BEGIN X-----\nAA',
    '-----BEGIN X-----\nA*==\n-----END X-----',
    '-----BEGIN X-----\nAA=A\n-----END X-----',
  ]) {
    assert.equal(bytesOfPem('X', Buffer.from(text)), undefined);
  }
});
