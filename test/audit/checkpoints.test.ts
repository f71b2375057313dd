// The formats others can check: the Merkle tree of RFC 6962 and the signed notes of C2SP.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Checkpoints } from '../../src/audit/checkpoints.ts';
import { publicLine, signNote } from '../../src/audit/keys.ts';
import { CompactTree } from '../../src/audit/tree.ts';
import { isSignedNote, parseNotes, parseVerifierKey } from '../../src/audit/verify-notes.ts';
import { LeafList } from '../../src/audit/verify-tree.ts';
import { keysOf, otherKeys, Place, VAULT_ID } from './house.ts';

/** The entries and roots that implementations of RFC 6962 test themselves with (certificate-transparency, trillian). */
const ENTRIES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

test('both trees give the roots that every implementation of RFC 6962 gives', () => {
  const tree = new CompactTree();
  const list = new LeafList();
  assert.equal(tree.root().toString('hex'), ROOTS[0]);
  for (const [i, entry] of ENTRIES.entries()) {
    tree.add(Buffer.from(entry, 'hex'));
    list.push(Buffer.from(entry, 'hex'));
    assert.equal(tree.root().toString('hex'), ROOTS[i + 1]);
  }
  assert.deepEqual(
    ROOTS.map((_, size) => list.hash(size).toString('hex')),
    ROOTS,
  );
});

test('law: the tree of the writer and the tree of the verifier are one tree, at every size', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 200 }), (entries) => {
      const tree = new CompactTree();
      const list = new LeafList();
      const roots = entries.map((entry) => {
        tree.add(Buffer.from(entry));
        list.push(Buffer.from(entry));
        return tree.root().toString('hex');
      });
      const again = entries.map((_, i) => list.hash(i + 1).toString('hex'));
      assert.deepEqual(again, roots);
    }),
    { numRuns: 50 },
  );
});

test('a note signed by another implementation is accepted, and not when a byte of it differs', () => {
  // The example of the signed-note package of Go and its ports.
  const key = parseVerifierKey('example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k');
  assert.ok(key);
  const signature = 'Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=';
  const note = `This is an example message.\n\n\u2014 example.com/foo ${signature}\n`;
  assert.equal(isSignedNote(note, key), true);
  for (let at = 0; at < note.length; at += 1) {
    const other = `${note.slice(0, at)}${note[at] === 'A' ? 'B' : 'A'}${note.slice(at + 1)}`;
    assert.equal(isSignedNote(other, key), false, `at ${at}`);
  }
});

test('what the writer signs, the verifier reads with the public line beside it, and with no other key', () => {
  using place = new Place();
  place.open();
  const keys = keysOf();
  const tree = new CompactTree();
  const checkpoints = new Checkpoints(place.folder);
  checkpoints.publish(keys);
  const roots = Array.from({ length: 5 }, (_, i) => {
    tree.add(Buffer.from(String(i)));
    checkpoints.add(keys, tree);
    return tree.root();
  });
  const key = parseVerifierKey(readFileSync(place.path('audit.pub'), 'utf8'));
  assert.ok(key);
  assert.equal(key.name, `keystile/audit/${VAULT_ID}`);
  const bytes = readFileSync(place.path('checkpoints'));
  assert.deepEqual(
    parseNotes(bytes, key),
    roots.map((root, i) => ({ size: i + 1, root, why: null })),
  );
  const other = parseVerifierKey(publicLine(otherKeys()));
  assert.ok(other);
  assert.deepEqual(parseNotes(bytes, other), [{ why: 'checkpoint_signature' }]);
  assert.deepEqual(checkpoints.last(keys), { size: 5, root: tree.root().toString('base64'), isOurs: true });
  assert.equal(checkpoints.last(otherKeys())?.isOurs, false);
});

test('a verifier key is read only when it is whole', () => {
  const line = publicLine(keysOf()).trimEnd();
  const [name = '', hash = '', key = ''] = line.split('+', 2).concat(line.split('+').slice(2).join('+'));
  assert.ok(parseVerifierKey(`${name}+${hash}+${key}`));
  for (const wrong of ['', name, `${name}+00000000+${key}`, `x${line}`, `${line}=`, `${name} +${hash}+${key}`]) {
    assert.equal(parseVerifierKey(wrong), null, wrong);
  }
  assert.ok(signNote(keysOf(), 'a\n').startsWith('a\n\n\u2014 keystile/audit/'));
});
