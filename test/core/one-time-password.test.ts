// One-time passwords of known moments: the vectors of RFC 6238, appendix B, and of RFC 4226, appendix D.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';

import fc from 'fast-check';

import { Failure } from '../../src/core/failure.ts';
import { oneTimePassword } from '../../src/core/one-time-password.ts';
import { canary } from '../house.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? []).map((five) => ALPHABET[Number.parseInt(five.padEnd(5, '0'), 2)]).join('');
}

/** The seeds of the RFC: the digits 1 to 0 again and again, as long as the hash is. */
const SEEDS = { SHA1: 20, SHA256: 32, SHA512: 64 };
const seedOf = (bytes: number): string => base32(Buffer.from('1234567890'.repeat(7).slice(0, bytes)));

async function password(value: string, seconds: number): Promise<string> {
  return (await oneTimePassword(Buffer.from(value), seconds * 1000)).toString();
}

/** Seconds since 1970, and what SHA1, SHA256 and SHA512 give. */
const VECTORS: ReadonlyArray<readonly [seconds: number, ...passwords: string[]]> = [
  [59, '94287082', '46119246', '90693936'],
  [1_111_111_109, '07081804', '68084774', '25091201'],
  [1_111_111_111, '14050471', '67062674', '99943326'],
  [1_234_567_890, '89005924', '91819424', '93441116'],
  [2_000_000_000, '69279037', '90698825', '38618901'],
  [20_000_000_000, '65353130', '77737706', '47863826'],
];

test('the vectors of RFC 6238 come out, with their leading zeros', async () => {
  for (const [seconds, ...expected] of VECTORS) {
    for (const [index, [algorithm, bytes]] of Object.entries(SEEDS).entries()) {
      const address = `otpauth://totp/A:b@c?secret=${seedOf(bytes)}&issuer=A&algorithm=${algorithm}&digits=8`;
      assert.equal(await password(address, seconds), expected[index], `${algorithm} at ${seconds}`);
    }
  }
});

test('a bare seed means six digits every thirty seconds, in whatever way it is written', async () => {
  const seed = seedOf(20);
  const ways = [
    seed,
    seed.toLowerCase(),
    `${seed}====`,
    ` ${seed}\n`,
    seed.match(/.{4}/g)!.join(' '),
    seed.match(/.{4}/g)!.join('-'),
  ];
  for (const way of ways) {
    assert.equal(await password(way, 59), '287082');
    assert.equal(await password(way, 1_111_111_109), '081804');
  }
});

test('an address says what is different, and its seed may be written in all these ways, too', async () => {
  const seed = 'gezd%20gnbv+gy3t-qojq%20gezdgnbvgy3tqojq%3D%3D';
  assert.equal(await password(`otpauth://totp/?secret=${seed}`, 59), '287082');
  assert.equal(await password(`OTPAUTH://TOTP/x%zz?digits=8&secret=${seed}&algorithm=sha1`, 59), '94287082');
  // Two periods of sixty seconds begin where those of thirty begin that are twice as many.
  assert.equal(await password(`otpauth://totp/x?secret=${seed}&period=60`, 119), await password(seedOf(20), 59));
});

test('the passwords are those of the definition (RFC 6238 over RFC 4226, section 5.3)', async () => {
  const made = fc.record({
    seed: fc.uint8Array({ minLength: 10, maxLength: 40 }),
    algorithm: fc.constantFrom('SHA1', 'SHA224', 'SHA256', 'SHA384', 'SHA512'),
    digits: fc.integer({ min: 6, max: 10 }),
    period: fc.integer({ min: 1, max: 86_400 }),
    seconds: fc.nat(2 ** 31),
  });
  await fc.assert(
    fc.asyncProperty(made, async ({ seed, algorithm, digits, period, seconds }) => {
      const counter = Buffer.alloc(8);
      counter.writeBigUInt64BE(BigInt(Math.floor(seconds / period)));
      const hash = createHmac(algorithm, seed).update(counter).digest();
      const number = hash.readUInt32BE(hash.at(-1)! & 15) & 0x7fff_ffff;
      const address = `otpauth://totp/x?secret=${base32(seed)}&algorithm=${algorithm}&digits=${digits}&period=${period}`;
      assert.equal(await password(address, seconds), String(number % 10 ** digits).padStart(digits, '0'));
    }),
    { numRuns: 300 },
  );
});

test('passwords that count are refused as that', async () => {
  await assert.rejects(password(`otpauth://hotp/x?secret=${seedOf(20)}&counter=1`, 0), {
    code: 'input/invalid',
    message: /HOTP/,
    hint: /TOTP/,
  });
});

test('what is no source of one-time passwords is refused, and not repeated', async () => {
  const secret = canary();
  const seed = seedOf(20);
  const parameters =
    'digits=5 digits=11 digits=6.0 digits= digits=1e1 period=0 period=-1 period=86401 algorithm=MD5'.split(' ');
  parameters.push('algorithm=', `algorithm=${secret}`, 'digits=6&digits=8', `secret=${seed}`);
  const values = parameters.map((parameter) => `otpauth://totp/${secret}?secret=${seed}&${parameter}`);
  values.push(
    '',
    'A',
    '=',
    secret,
    `${seed}1`,
    `${seed}!${secret}`,
    `${seed}=${seed}`,
    `otpauth:${seed}`,
    'otpauth://[',
  );
  values.push(`otpauth://totp/${secret}`, `otpauth://totp/${secret}?secret=`, `otpauth://totp/x?secret=${secret}`);
  values.push(`${secret}otpauth://totp/x?secret=${seed}`, `otpauth://${secret}/x?secret=${seed}`);
  values.push(`otpauth://totp/x?secret=${seed}&issuer=${'x'.repeat(5000)}`);
  for (const value of values) {
    await assert.rejects(password(value, 0), (thrown) => {
      assert.ok(thrown instanceof Failure && thrown.code === 'input/invalid', `${value}: ${String(thrown)}`);
      const said = `${JSON.stringify(thrown.toDocument())}${thrown.stack}${String(thrown.cause)}`;
      assert.ok(!said.includes(secret) && !said.includes(seed));
      return true;
    });
  }
});

test('whatever a value is, it gives digits or a Failure', async () => {
  const parts = fc.constantFrom(
    'otpauth://totp/',
    '?',
    'secret=',
    'GEZDGNBV',
    '&',
    'digits=8',
    '%',
    '\0',
    'ä',
    ' ',
    '#',
    ':',
    '/',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(parts, { maxLength: 8 }), async (parts) => {
      const outcome = await password(parts.join(''), 0).catch((thrown: unknown) => thrown);
      assert.ok(outcome instanceof Failure || /^\d{6,10}$/.test(String(outcome)), String(outcome));
    }),
  );
});
