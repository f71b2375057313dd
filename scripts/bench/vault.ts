// A vault of 100,000 items, written through the records of an unlocked vault, and what is asked of it then.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewItem } from '../../src/core/item.ts';
import { parseReference } from '../../src/core/reference.ts';
import { Secret } from '../../src/core/secret.ts';
import type { VaultFiles } from '../../src/vault/files.ts';
import * as keys from '../../src/vault/keys.ts';
import { vaultKeyFor, writeNewVault } from '../../src/vault/opening.ts';
import { Records } from '../../src/vault/records.ts';
import { SqliteStore } from '../../src/vault/sqlite-store.ts';
import { Vault } from '../../src/vault/vault.ts';
import { limited, median, ms, progress, quantile, type Row, spread, told } from './figures.ts';

const ITEMS = 100_000;
/** Items in one commit, as an import would make them. */
const ITEMS_AT_ONCE = 5_000;
const FIELDS = 3;
const RECORDS = ITEMS * (2 + FIELDS);
const UNLOCKS = 7;
const READS = 2_000;
const WRITES = 300;
const VALUE = Buffer.from('canary-0123456789-0123456789');

const UNLOCK_OVER_KDF_MS = 50;
const FIND_MS = 0.2;
const RESOLVE_MS = 1;
const REFERRED = 3_000;
const REFERRED_AT_ONCE = 500;
const IMPORT_ITEMS_PER_SECOND = 1_000;
const SLICE_MS = 5;

interface Session {
  readonly store: SqliteStore;
  readonly records: Records;
}

export async function measureVault(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'keystile-bench-vault-'));
  const files = { vault: join(folder, 'vault.db'), deviceKey: join(folder, 'device.key') };
  const passphrase = new Secret(Buffer.from('correct horse battery staple'));
  try {
    using vaultKey = await writeNewVault({ files, passphrase });
    progress(`making a vault of ${ITEMS} items`);
    const imported = fill(files.vault, vaultKey);
    progress('unlocking it');
    const kdfMs: number[] = [];
    const restMs: number[] = [];
    for (let i = 0; i < UNLOCKS; i += 1) {
      const store = new SqliteStore(files.vault);
      const startedAt = performance.now();
      const key = await vaultKeyFor(store, files, Date.now(), passphrase);
      const derivedAt = performance.now();
      open(store, key);
      restMs.push(performance.now() - derivedAt);
      kdfMs.push(derivedAt - startedAt);
      key.fill(0);
      store.close();
    }
    const resolved = resolve(files, vaultKey);
    const session = open(new SqliteStore(files.vault), vaultKey.reveal());
    const asked = ask(session);
    progress('going through all of it');
    const slices = walk(session);
    session.store.close();
    const megabytes = statSync(files.vault).size / 1e6;
    return [
      limited(
        `unlock of ${ITEMS} items over the key derivation, median`,
        median(restMs),
        UNLOCK_OVER_KDF_MS,
        'ms',
        `max ${ms(Math.max(...restMs))}; the key derivation ${ms(median(kdfMs))}`,
      ),
      ...resolved,
      ...asked,
      told(
        'all of it checked after unlocking',
        ms(slices.reduce((sum, slice) => sum + slice, 0)),
        `${slices.length} slices`,
      ),
      limited('one slice of that, p99', quantile(slices, 0.99), SLICE_MS, 'ms', `max ${ms(Math.max(...slices))}`),
      speedRow(imported),
      told(
        'the file',
        `${megabytes.toFixed(0)} MB`,
        `${((megabytes * 1e6) / RECORDS).toFixed(0)} bytes for each record`,
      ),
    ];
  } finally {
    passphrase.wipe();
    rmSync(folder, { recursive: true, force: true });
  }
}

function open(store: SqliteStore, vaultKey: Buffer): Session {
  return { store, records: new Records(store, keys.deriveKeys(store.readHeader(), vaultKey), randomBytes) };
}

/** References to fields of items beside all the others, each for the first time: what is known from before is faster. */
function resolve(files: VaultFiles, vaultKey: Secret): Row[] {
  progress('resolving references');
  const vault = Vault.openWithKey({ files, now: Date.now }, new Secret(Buffer.from(vaultKey.reveal())));
  const { collectionId } = vault.collections.create('Referred');
  for (let first = 0; first < REFERRED; first += REFERRED_AT_ONCE) {
    const items = Array.from({ length: REFERRED_AT_ONCE }, (_none, i) => referredItem(first + i));
    vault.items.import(collectionId, items);
  }
  vault.close();
  const again = Vault.openWithKey({ files, now: Date.now }, new Secret(Buffer.from(vaultKey.reveal())));
  const taken = Array.from({ length: REFERRED }, (_none, n) => {
    const startedAt = performance.now();
    const sealed = again.sealedField(parseReference(`op://Referred/Item ${n}/password`));
    const took = performance.now() - startedAt;
    sealed.key.wipe();
    return took;
  });
  again.close();
  const what = `one reference in a vault of ${ITEMS} items, p99`;
  return [limited(what, quantile(taken, 0.99), RESOLVE_MS, 'ms', `${spread(taken)}, in the daemon, sealed for a run`)];
}

function referredItem(n: number): NewItem {
  const fields = (['username', 'password', 'url'] as const).map((label) => {
    const type = label === 'password' ? ('password' as const) : ('text' as const);
    return { label, section: null, type, value: new Secret(Buffer.from(VALUE)) };
  });
  return { title: `Item ${n}`, category: 'login', tags: [], fields, files: [] };
}

/** Milliseconds for all items, on the clock and on a processor. */
function fill(path: string, vaultKey: Secret): { wallMs: number; processorMs: number } {
  const { store, records } = open(new SqliteStore(path), vaultKey.reveal());
  const [startedAt, usage] = [performance.now(), process.cpuUsage()];
  for (let first = 0; first < ITEMS; first += ITEMS_AT_ONCE) {
    records.transaction(() => {
      for (let n = first; n < first + ITEMS_AT_ONCE; n += 1) putItem(records, n);
    });
  }
  const wallMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(usage);
  store.close();
  return { wallMs, processorMs: (user + system) / 1e3 };
}

function putItem(records: Records, n: number): void {
  const item = { id: `item_${n}`, parent: `collection_${n % 10}`, name: `item_${n}` };
  records.putJson({ type: 'item', ...item }, { title: `Item number ${n}`, category: 'login', tags: [], version: 1 });
  records.putJson({ type: 'title', id: `title_${n}`, parent: item.parent, name: `item number ${n}` }, [item.id]);
  for (let field = 0; field < FIELDS; field += 1) {
    records.put({ type: 'field', id: `field_${n}_${field}`, parent: item.id, name: `field ${field}` }, VALUE);
  }
}

function ask({ records }: Session): Row[] {
  progress('asking');
  const finds: number[] = [];
  const opens: number[] = [];
  const absent: number[] = [];
  for (let i = 0; i < READS; i += 1) {
    const n = Math.floor(Math.random() * ITEMS);
    const startedAt = performance.now();
    const found = records.find('field', `item_${n}`, 'field 1');
    const foundAt = performance.now();
    if (found === undefined) throw new Error('a record of the bench is not there');
    records.open(found).fill(0);
    finds.push(foundAt - startedAt);
    opens.push(performance.now() - foundAt);
    const askedAt = performance.now();
    records.find('field', `item_${n}`, 'no field');
    absent.push(performance.now() - askedAt);
  }
  const listedAt = performance.now();
  const listed = records.list('item', 'collection_1').length;
  const listMs = performance.now() - listedAt;
  const puts = Array.from({ length: WRITES }, () => {
    const n = Math.floor(Math.random() * ITEMS);
    const startedAt = performance.now();
    records.put({ type: 'field', id: `field_${n}_0`, parent: `item_${n}`, name: 'field 0' }, VALUE);
    return performance.now() - startedAt;
  });
  return [
    limited('find one of them by name, p50', median(finds), FIND_MS, 'ms', spread(finds)),
    told('open it', spread(opens)),
    told('find that there is none of a name', spread(absent)),
    told(`list the ${listed} items of a collection`, ms(listMs)),
    told('replace one record and commit', spread(puts)),
  ];
}

function walk({ records }: Session): number[] {
  const slices: number[] = [];
  const steps = records.verification();
  for (let isDone = false; !isDone;) {
    const startedAt = performance.now();
    isDone = steps.next().done === true;
    slices.push(performance.now() - startedAt);
  }
  return slices;
}

function speedRow({ wallMs, processorMs }: { wallMs: number; processorMs: number }): Row {
  const speed = (ITEMS / wallMs) * 1e3;
  const onProcessor = `${((ITEMS / processorMs) * 1e3).toFixed(0)} in a second on a processor`;
  return {
    what: `items written, ${ITEMS_AT_ONCE} in a commit, ${2 + FIELDS} records each`,
    target: `≥ ${IMPORT_ITEMS_PER_SECOND} items/s`,
    figure: `${speed.toFixed(0)} items/s`,
    isMet: speed >= IMPORT_ITEMS_PER_SECOND,
    beside: `${(wallMs / 1e3).toFixed(0)} s for ${RECORDS} records; ${onProcessor}`,
  };
}
