// The verifier against everything one can do to a log. What it must name is the first event that is not as written.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { CompactTree } from '../../src/audit/tree.ts';
import { Checkpoints } from '../../src/audit/checkpoints.ts';
import type { Ratchet } from '../../src/audit/keys.ts';
import { KeyFile } from '../../src/audit/key-file.ts';
import { verifyLog } from '../../src/audit/verify.ts';
import type { Fault } from '../../src/audit/verify.ts';
import { canonicalJson } from '../../src/core/canonical.ts';
import { keysOf, numbered, otherKeys, Place, VAULT_ID } from './house.ts';

let house: Place;
let good: string[];
let files: Record<string, Buffer>;
const KEPT = ['checkpoints', 'audit.pub', 'ratchet.key'];

before(async () => {
  house = new Place();
  await house.write(1_000);
  good = house.lines();
  files = Object.fromEntries(KEPT.map((name) => [name, readFileSync(house.path(name))]));
});
after(() => house[Symbol.dispose]());

function restore(): void {
  house.writeLines(good);
  for (const name of KEPT) writeFileSync(house.path(name), files[name] ?? '');
}

const line = (seq: number): string => good[seq - 1] ?? '';
const edited = (seq: number): string => line(seq).replace(/"count":\d+/, '"count":77777');

/** What was done, the lines after it, the first bad event, and why. */
const FAULTS: readonly [string, () => string[], number, Fault][] = [
  ['an edit', () => good.with(499, edited(500)), 500, 'mac'],
  ['an edit of the first', () => good.with(0, edited(1)), 1, 'mac'],
  ['an edit of the last', () => good.with(999, edited(1_000)), 1_000, 'mac'],
  ['a deletion', () => good.toSpliced(499, 1), 500, 'missing'],
  ['a deletion of the first', () => good.slice(1), 1, 'missing'],
  ['two swapped', () => good.with(499, line(501)).with(500, line(500)), 500, 'reordered'],
  ['one moved far', () => [...good.toSpliced(499, 1), line(500)], 500, 'missing'],
  ['a duplicate', () => good.toSpliced(500, 0, line(500)), 501, 'repeated'],
  ['a duplicate at the end', () => [...good, line(1_000)], 1_001, 'repeated'],
  ['an insertion', () => good.toSpliced(500, 0, edited(501)), 501, 'mac'],
  ['a cut end', () => good.slice(0, 900), 901, 'truncated'],
  ['one event off the end', () => good.slice(0, 999), 1_000, 'truncated'],
  ['an empty file', () => [], 1, 'truncated'],
  ['an empty line', () => good.toSpliced(500, 0, ''), 501, 'not_an_entry'],
  ['a space behind a line', () => good.with(499, `${line(500)} `), 500, 'not_an_entry'],
  [
    'other order of members',
    () => good.with(499, line(500).replace(/^\{("at":"[^"]+"),/, '{"aa":1,$1,')),
    500,
    'not_an_entry',
  ],
  ['a second member of a name', () => good.with(499, line(500).replace(/^\{/, '{"at":"x",')), 500, 'not_an_entry'],
  ['no MAC', () => good.with(499, line(500).replace(/"mac":"\w+"/, '"mac":null')), 500, 'mac_missing'],
  ['another word for the event', () => good.with(499, line(500).replace('requested', 'approved')), 500, 'not_an_entry'],
  ['a fact with free text', () => good.with(499, line(500).replace('"req_', '"req ')), 500, 'not_an_entry'],
  ['a line that never ends', () => good.with(499, 'x'.repeat(300_000)), 500, 'not_an_entry'],
  ['letters that are not ASCII', () => good.with(499, line(500).replace('req_', 'r\u0435q_')), 500, 'not_an_entry'],
];

for (const [what, spoil, seq, why] of FAULTS) {
  test(`${what} is found, and the first bad event is named`, async () => {
    restore();
    house.writeLines(spoil());
    const { ok, firstBad } = await house.verify();
    assert.deepEqual({ ok, seq: firstBad?.seq, why: firstBad?.why }, { ok: false, seq, why });
  });
}

test('without the seed an edit, a deletion, a swap and a duplicate are found at the same event', async () => {
  const expected: [string[], number, Fault][] = [
    [good.with(499, edited(500)), 500, 'chain'],
    [
      good.with(
        499,
        line(500).replace(/(?<="prev":")./, (digit) => (digit === '0' ? '1' : '0')),
      ),
      500,
      'chain',
    ],
    [good.toSpliced(499, 1), 500, 'missing'],
    [good.with(499, line(501)).with(500, line(500)), 500, 'reordered'],
    [good.toSpliced(500, 0, line(500)), 501, 'repeated'],
  ];
  for (const [lines, seq, why] of expected) {
    restore();
    house.writeLines(lines);
    assert.deepEqual((await house.verify(false)).firstBad, { seq, line: seq, why });
  }
});

test('a chain that was computed anew from an edit on fails at the checkpoint, and what is before it holds', async () => {
  restore();
  house.writeLines(rechained(good, 555, () => '0'.repeat(64)));
  const { firstBad, checkpoints, notes } = await house.verify(false);
  assert.deepEqual(firstBad, { seq: 501, line: 501, why: 'checkpoint' });
  assert.equal(checkpoints, 5);
  assert.match(notes.join('\n'), /events up to 500 are under 5 signed checkpoints/);
  assert.deepEqual((await house.verify()).firstBad, { seq: 555, line: 555, why: 'mac' });
});

test('a thief of the current MAC key can forge what comes, not what was: earlier events still prove themselves', async () => {
  using place = new Place();
  await place.write(200);
  const stolen = new KeyFile(place.path('ratchet.key')).load();
  assert.equal(stolen?.seq, 201);
  const keys = new Map<number, Ratchet>();
  for (let key = stolen; key.seq <= 300; key = key.next()) keys.set(key.seq, key);
  await place.write(100);
  rmSync(place.path('checkpoints'));
  const lines = place.lines();
  // From 201 on the thief makes every MAC, and without checkpoints nobody can tell.
  const forged = (from: number): string[] =>
    rechained(lines, from, (seq, chain) => keys.get(seq)?.mac(chain) ?? '0'.repeat(64));
  place.writeLines(forged(201));
  assert.equal((await place.verify()).ok, true);
  place.writeLines(forged(200));
  assert.deepEqual((await place.verify()).firstBad, { seq: 200, line: 200, why: 'mac' });
  place.writeLines(forged(7));
  assert.deepEqual((await place.verify()).firstBad, { seq: 7, line: 7, why: 'mac' });
});

test('checkpoints that were changed, forged, reordered, replayed or signed by another key do not count', async () => {
  const text = (files['checkpoints'] ?? Buffer.alloc(0)).toString('utf8');
  const notes = text.split(/(?<=\n\n)(?=k)/);
  const [first = '', second = ''] = notes;
  const spoiled: [string, Fault][] = [
    [text.replace('\n100\n', '\n101\n'), 'checkpoint_signature'],
    [text.replace(/(?<=\n100\n)./, (letter) => (letter === 'z' ? 'y' : 'z')), 'checkpoint_signature'],
    [text.replace('\n100\n', '\n0100\n'), 'checkpoint_format'],
    [text.replace('keystile/audit/', 'keystile/other/'), 'checkpoint_signature'],
    [text.slice(0, -1), 'checkpoint_format'],
    [`${text}\n`, 'checkpoint_format'],
    [second + first, 'checkpoint_order'],
    [first + first, 'checkpoint_order'],
  ];
  for (const [spoil, why] of spoiled) {
    restore();
    writeFileSync(house.path('checkpoints'), spoil);
    assert.equal((await house.verify()).firstBad?.why, why, spoil.slice(0, 80));
  }
  restore();
  const tree = new CompactTree();
  for (const entry of rechained(good, 1, () => '0'.repeat(64))) tree.add(Buffer.from(entry));
  rmSync(house.path('checkpoints'));
  new Checkpoints(house.folder).add(otherKeys(), tree);
  assert.equal((await house.verify()).firstBad?.why, 'checkpoint_signature');
  // The public key beside it can be replaced too; one that was kept elsewhere cannot.
  const publicKey = files['audit.pub']?.toString('utf8') ?? '';
  new Checkpoints(house.folder).publish(otherKeys());
  const report = await verifyLog({ folder: house.folder, publicKey });
  assert.equal(report.firstBad?.why, 'checkpoint_signature');
  writeFileSync(house.path('audit.pub'), 'nonsense');
  assert.equal((await house.verify()).firstBad?.why, 'checkpoint_key');
});

test('a log without its checkpoints and keys, cut short, is found by the number of events known from elsewhere', async () => {
  restore();
  house.writeLines(good.slice(0, 700));
  rmSync(house.path('checkpoints'));
  rmSync(house.path('ratchet.key'));
  const { macSeed } = keysOf();
  const options = { folder: house.folder, macSeed, vaultId: VAULT_ID };
  assert.equal((await verifyLog(options)).ok, true);
  assert.deepEqual((await verifyLog({ ...options, atLeast: 701 })).firstBad, { seq: 701, line: 701, why: 'truncated' });
});

test('a log of another vault does not pass, and neither does one without any MAC', async () => {
  restore();
  const { macSeed } = keysOf();
  const other = await verifyLog({ folder: house.folder, macSeed, vaultId: 'vault_zzzzzzzzzzzzzzzzzzzz' });
  assert.equal(other.ok, false);
  using place = new Place();
  const log = place.open();
  await log.append(numbered(0), numbered(1));
  await log.close();
  assert.equal((await place.verify(false)).ok, true);
  assert.deepEqual((await place.verify()).firstBad, { seq: 1, line: 1, why: 'mac_missing' });
});

test('a clock that goes back within one start is found, even when everything else fits', async () => {
  using place = new Place();
  await place.write(3);
  rmSync(place.path('checkpoints'));
  const lines = rechained(
    place.lines(),
    2,
    () => '0'.repeat(64),
    (body) => ({ ...body, mono: 0 }),
  );
  place.writeLines(lines);
  assert.deepEqual((await place.verify(false)).firstBad, { seq: 2, line: 2, why: 'clock' });
});

test('there is nothing to verify where there is no log', async () => {
  using place = new Place();
  await assert.rejects(verifyLog({ folder: place.folder }), { code: 'audit/damaged' });
});

test('law: any other byte at any place of the file is found, with the seed or by the checkpoints', async () => {
  using place = new Place();
  const log = place.openUnlocked();
  for (let i = 0; i < 12; i += 1) await log.append({ ...numbered(i), names: { reason: `reason ${i}` } });
  await log.close();
  const bytes = readFileSync(place.events);
  const kept = place.path('kept');
  copyFileSync(place.path('checkpoints'), kept);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const spoiled = Buffer.from(bytes);
      spoiled[at] = (spoiled[at] ?? 0) ^ change;
      writeFileSync(place.events, spoiled);
      copyFileSync(kept, place.path('checkpoints'));
      assert.equal((await place.verify(false)).ok, false, `checkpoints, byte ${at}`);
      rmSync(place.path('checkpoints'));
      assert.equal((await place.verify()).ok, false, `seed, byte ${at}`);
    }),
    { numRuns: 300 },
  );
});

/** The lines with a change in event `from`, and every chain hash after it computed anew. */
function rechained(
  lines: readonly string[],
  from: number,
  macOf: (seq: number, chain: Buffer) => string,
  change: (body: Record<string, unknown>) => Record<string, unknown> = (body) => ({ ...body, event: 'denied' }),
): string[] {
  let prev = '';
  return lines.map((text, i) => {
    const seq = i + 1;
    const { mac, ...read } = JSON.parse(text) as Record<string, unknown>;
    let body: Record<string, unknown> = read;
    if (seq === from) body = change(body);
    if (seq > from) body = { ...body, prev };
    const json = canonicalJson(body);
    const chain = createHash('sha256')
      .update(Buffer.from(String(body['prev']), 'hex'))
      .update(json)
      .digest();
    prev = chain.toString('hex');
    return `${json.slice(0, -1)},"mac":"${seq < from ? String(mac) : macOf(seq, chain)}"}`;
  });
}
