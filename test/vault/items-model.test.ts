// Items against a list of all their versions: whatever is done to both, they hold the same, and going back gives exactly what
// was there.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../src/core/failure.ts';
import { VERSIONS_MAX } from '../../src/core/item.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { DatabaseSync } from 'node:sqlite';
import { temporaryVault } from './temporary-vault.ts';

/** What one version holds: values in hex by `section.label`. */
interface Content {
  readonly title: string;
  readonly fields: ReadonlyMap<string, string>;
  readonly files: ReadonlyMap<string, string>;
}

type Step =
  | {
      readonly do: 'set' | 'attach';
      readonly section: string | null;
      readonly name: string;
      readonly value: Uint8Array;
    }
  | { readonly do: 'remove'; readonly section: string | null; readonly name: string }
  | { readonly do: 'retitle'; readonly title: string }
  | { readonly do: 'restore'; readonly back: number }
  | { readonly do: 'archive'; readonly isArchived: boolean }
  | { readonly do: 'reopen' };

const section = fc.constantFrom(null, 'one', 'two');
const name = fc.constantFrom('username', 'password', 'token');
const value = fc.uint8Array({ maxLength: 40 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('set'), section, name, value }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('attach'), section, name: fc.constantFrom('a.pdf', 'b.pdf'), value }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('remove'), section, name: fc.oneof(name, fc.constant('a.pdf')) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('retitle'), title: fc.constantFrom('first', 'second') }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('restore'), back: fc.nat(25) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('archive'), isArchived: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen') }) },
);

const keyOf = (section: string | null, name: string): string => `${section ?? ''}.${name}`;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The keys that a name without a section, or with one, can mean. */
function meant(content: Content, section: string | null, name: string): string[] {
  const all = [...content.fields.keys(), ...content.files.keys()].filter(
    (key) => key.slice(key.indexOf('.') + 1) === name,
  );
  const exact = all.filter((key) => key === keyOf(section, name));
  return exact.length > 0 || section !== null ? exact : all;
}

/** The next content, or null when the step is impossible. */
function stepModel(versions: readonly Content[], taken: Step): Content | null {
  const now = versions.at(-1) ?? assert.fail('no version');
  switch (taken.do) {
    case 'set': {
      const keys = meant(now, taken.section, taken.name);
      if (keys.length > 1) return null;
      return { ...now, fields: new Map(now.fields).set(keys[0] ?? keyOf(taken.section, taken.name), hex(taken.value)) };
    }
    case 'attach':
      return { ...now, files: new Map(now.files).set(keyOf(taken.section, taken.name), hex(taken.value)) };
    case 'remove': {
      const [key, second] = meant(now, taken.section, taken.name);
      if (key === undefined || second !== undefined) return null;
      const without = (map: ReadonlyMap<string, string>) => new Map([...map].filter(([known]) => known !== key));
      return { ...now, fields: without(now.fields), files: without(now.files) };
    }
    case 'retitle':
      return { ...now, title: taken.title };
    case 'restore': {
      const number = versions.length - taken.back;
      return number < 1 || taken.back > VERSIONS_MAX || taken.back === 0 ? null : (versions[number - 1] ?? null);
    }
    case 'archive':
    case 'reopen':
      return now;
  }
}

function stepVault(vault: Vault, itemId: string, taken: Step, version: number): void {
  switch (taken.do) {
    case 'set': {
      const { section, name: label, value } = taken;
      vault.items.edit(itemId, { fields: [{ label, section, type: null, value: new Secret(Buffer.from(value)) }] });
      return;
    }
    case 'attach': {
      const { section, name, value } = taken;
      vault.items.edit(itemId, { files: [{ name, section, content: new Secret(Buffer.from(value)) }] });
      return;
    }
    case 'remove':
      vault.items.edit(itemId, { removed: [{ section: taken.section, field: taken.name }] });
      return;
    case 'retitle':
      vault.items.edit(itemId, { title: taken.title });
      return;
    case 'restore':
      vault.items.restore(itemId, version - taken.back);
      return;
    case 'archive':
      vault.items.archive(itemId, taken.isArchived);
      return;
    case 'reopen':
  }
}

function contentOf(vault: Vault, itemId: string): Content {
  const { item, values } = vault.items.openings.openWhole(itemId) ?? assert.fail('no such item');
  const sectionOf = (id: string | null) => item.sections.find(({ sectionId }) => sectionId === id)?.label ?? null;
  const hexes = values.map((one) => one.reveal().toString('hex'));
  const fields = item.fields.map(
    ({ sectionId, label }, i) => [keyOf(sectionOf(sectionId), label), hexes[i] ?? ''] as const,
  );
  const files = item.files.map(
    ({ sectionId, name }, i) => [keyOf(sectionOf(sectionId), name), hexes[fields.length + i] ?? ''] as const,
  );
  return { title: item.title, fields: new Map(fields), files: new Map(files) };
}

/** How many values lie in the file. */
function valuesIn(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  const row = database.prepare(`SELECT count(*) AS count FROM records WHERE type IN ('field', 'file')`).get();
  database.close();
  return Number(row?.['count']);
}

test('whatever is done to an item, it holds what a list of versions holds, and going back is exact', async (t) => {
  const made = await temporaryVault(t);
  let { vault } = made;
  vault.collections.create('work');
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
      const { collectionId } = vault.collections.get('work');
      const empty = { title: 'first', category: 'login', tags: [], fields: [], files: [] } as const;
      const { itemId } = vault.items.create(collectionId, empty);
      const versions: Content[] = [{ title: 'first', fields: new Map(), files: new Map() }];
      for (const taken of steps) {
        const next = stepModel(versions, taken);
        if (next === null) {
          assert.throws(() => stepVault(vault, itemId, taken, versions.length), Failure);
          continue;
        }
        stepVault(vault, itemId, taken, versions.length);
        if (taken.do === 'reopen') {
          vault.close();
          vault = made.reopen();
        } else if (taken.do !== 'archive') versions.push(next);
        assert.deepEqual(contentOf(vault, itemId), next);
      }
      const last = vault.items.get(null, itemId);
      assert.equal(last.version, versions.length);
      const shown = vault.items.candidates('work', last.title, null);
      assert.equal(shown.kind === 'items' && shown.items.length, last.isArchived ? 0 : 1);
      // Every version that is kept can be had again, byte for byte; each try is rolled back.
      for (let back = 1; back <= Math.min(versions.length - 1, VERSIONS_MAX); back += 1) {
        const number = versions.length - back;
        assert.throws(
          () =>
            vault.transaction(() => {
              vault.items.restore(itemId, number);
              assert.deepEqual(contentOf(vault, itemId), versions[number - 1]);
              throw new RangeError('enough');
            }),
          RangeError,
        );
      }
      assert.equal(vault.items.get(null, itemId).version, versions.length);
      vault.items.delete(itemId);
      assert.deepEqual(vault.items.ids(collectionId), []);
      assert.equal(vault.collections.itemsIn(collectionId), 0);
      vault.close();
      assert.equal(valuesIn(made.files.vault), 0, 'values that no item refers to');
      vault = made.reopen();
    }),
    { numRuns: 40 },
  );
});
