// Assignments as people write them on the command line.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assignmentName, parseAssignment } from '../../src/core/item-assignment.ts';
import { builtInField, typeOfNew } from '../../src/core/item-category.ts';
import { FIELD_TYPES } from '../../src/core/item.ts';
import { failsWith } from '../vault/temporary-vault.ts';

const CANARY = 'canary-9Tq4-in-an-assignment';
const field = (section: string | null, name: string, type: string | null, value: object): object => ({
  kind: 'field',
  section,
  field: name,
  type,
  value,
});
const text = (of: string): object => ({ from: 'text', text: of });

test('section, field, type and value are told apart, and a value is taken as it stands', () => {
  const cases: [string, object][] = [
    ['username=octocat', field(null, 'username', null, text('octocat'))],
    ['username=', field(null, 'username', null, text(''))],
    ['password', field(null, 'password', null, { from: 'terminal' })],
    ['password=-', field(null, 'password', null, { from: 'stdin' })],
    ['password=--', field(null, 'password', null, text('--'))],
    ['api.token[password]=-', field('api', 'token', 'password', { from: 'stdin' })],
    ['host[text]=a=b.c\\d[e]', field(null, 'host', 'text', text('a=b.c\\d[e]'))],
    [String.raw`a\.b.c\=d\\e[url]=x`, field('a.b', 'c=d\\e', 'url', text('x'))],
    [String.raw`odd\[text]=x`, field(null, 'odd[text]', null, text('x'))],
    ['a b.c d=x', field('a b', 'c d', null, text('x'))],
    ['[file]=./a.pdf', { kind: 'file', section: null, name: null, path: './a.pdf' }],
    ['docs.scan[file]=a=b', { kind: 'file', section: 'docs', name: 'scan', path: 'a=b' }],
    ['docs.scan[delete]', { kind: 'delete', section: 'docs', field: 'scan' }],
    ['scan[delete]=', { kind: 'delete', section: null, field: 'scan' }],
  ];
  for (const [written, expected] of cases) assert.deepEqual(parseAssignment(written), expected, written);
});

test('what cannot be understood is refused, and the value in it is not repeated', () => {
  const wrong = [
    `a.b.c=${CANARY}`,
    `a[secret]=${CANARY}`,
    `=${CANARY}`,
    `.a=${CANARY}`,
    `a.=${CANARY}`,
    `[text]=${CANARY}`,
    String.raw`a\x=${CANARY}`,
    `a[delete]=${CANARY}`,
    'scan[file]',
    '[file]=',
    '',
    '\\',
  ];
  for (const written of wrong) {
    assert.throws(
      () => parseAssignment(written, 'assignment 2'),
      (thrown: unknown) => {
        assert.ok(failsWith('input/invalid', 'assignment 2')(thrown), written);
        assert.ok(!JSON.stringify((thrown as { toDocument(): object }).toDocument()).includes(CANARY));
        return true;
      },
    );
  }
});

test('whatever a section and a field are called, there is a way to write them', () => {
  const name = fc.string({ minLength: 1, unit: fc.constantFrom('a', ' ', '.', '=', '[', ']', '\\', 'ü', 'text', '-') });
  const type = fc.option(fc.constantFrom(...FIELD_TYPES));
  fc.assert(
    fc.property(fc.option(name), name, type, fc.string(), (section, label, type, value) => {
      const written = `${assignmentName(section, label)}${type === null ? '' : `[${type}]`}=${value}x`;
      assert.deepEqual(parseAssignment(written), field(section, label, type, text(`${value}x`)));
    }),
    { numRuns: 2_000 },
  );
});

test('whatever is written, it is understood or refused', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '.', '=', '[', ']', '\\', 'file', 'delete', 'text') }),
      (written) => {
        try {
          parseAssignment(written);
        } catch (error) {
          assert.ok(failsWith('input/invalid')(error), written);
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

test('a field without a type is concealed, unless it is built in as something else', () => {
  assert.equal(typeOfNew('login', null, 'username', null), 'text');
  assert.equal(typeOfNew('login', 'api', 'username', null), 'password');
  assert.equal(typeOfNew('login', null, 'token', null), 'password');
  assert.equal(typeOfNew('login', null, 'token', 'text'), 'text');
  assert.equal(typeOfNew('login', null, 'password', 'text'), 'password');
  assert.equal(typeOfNew('secure-note', null, 'notesPlain', null), 'notes');
  assert.equal(builtInField('database', 'server')?.fieldId, 'hostname');
  assert.equal(builtInField('ssh-key', 'private key')?.fieldId, 'private_key');
});
