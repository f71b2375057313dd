// KeePass databases for tests, made with kdbxweb: of both versions, with every cipher and key derivation it knows.

import { argon2Sync } from 'node:crypto';
import kdbxweb from 'kdbxweb';
import type { Kdbx } from 'kdbxweb';

export const PASSWORD = 'the password of the file';

export interface DatabaseSettings {
  readonly version?: 3 | 4;
  readonly kdf?: 'Aes' | 'Argon2d' | 'Argon2id';
  readonly cipher?: 'Aes' | 'ChaCha20';
  readonly isCompressed?: boolean;
  /** null for none. */
  readonly password?: string | null;
  readonly keyFile?: Uint8Array;
  readonly name?: string;
}

export async function newDatabase(settings: DatabaseSettings = {}): Promise<Kdbx> {
  kdbxweb.CryptoEngine.setArgon2Impl(async (message, nonce, memory, passes, tagLength, parallelism, type) => {
    const given = { message: new Uint8Array(message), nonce: new Uint8Array(nonce), memory, passes };
    const key = argon2Sync(type === 0 ? 'argon2d' : 'argon2id', { ...given, parallelism, tagLength });
    return new Uint8Array(key).buffer;
  });
  const { password = PASSWORD, keyFile = null } = settings;
  const typed = password === null ? null : kdbxweb.ProtectedValue.fromString(password);
  const database = kdbxweb.Kdbx.create(new kdbxweb.Credentials(typed, keyFile), settings.name ?? 'Family');
  database.setVersion(settings.version ?? 4);
  if (settings.version === 3) database.header.keyEncryptionRounds = 1_000;
  else setKdf(database, settings.kdf ?? 'Argon2id');
  database.header.dataCipherUuid = new kdbxweb.KdbxUuid(kdbxweb.Consts.CipherId[settings.cipher ?? 'Aes']);
  if (settings.isCompressed === false) database.header.compression = kdbxweb.Consts.CompressionAlgorithm.None;
  return database;
}

function setKdf(database: Kdbx, kdf: 'Aes' | 'Argon2d' | 'Argon2id'): void {
  database.setKdf(kdbxweb.Consts.KdfId[kdf]);
  if (kdf === 'Aes') setNumber(database, 'R', 1_000);
}

/** A setting of the key derivation: `R` rounds, `M` bytes, `I` passes, `P` lanes. */
export function setNumber(database: Kdbx, name: string, value: number): void {
  const type = name === 'P' ? kdbxweb.VarDictionary.ValueType.UInt32 : kdbxweb.VarDictionary.ValueType.UInt64;
  database.header.kdfParameters?.set(name, type, name === 'P' ? value : kdbxweb.Int64.from(value));
}

export function addEntry(
  database: Kdbx,
  fields: Readonly<Record<string, string>>,
  group = database.getDefaultGroup(),
): kdbxweb.KdbxEntry {
  const entry = database.createEntry(group);
  for (const [name, value] of Object.entries(fields)) {
    // `*` in front of a name protects its value.
    if (name.startsWith('*')) entry.fields.set(name.slice(1), kdbxweb.ProtectedValue.fromString(value));
    else entry.fields.set(name, value);
  }
  return entry;
}

export async function saved(database: Kdbx): Promise<Buffer> {
  return Buffer.from(await database.save());
}

/** A database whose XML is `xml`, whatever that is: kdbxweb writes what the global serializer says. */
export async function savedAs(database: Kdbx, xml: string): Promise<Buffer> {
  Object.assign(globalThis, {
    XMLSerializer: class {
      serializeToString = (): string => xml;
    },
  });
  try {
    return await saved(database);
  } finally {
    Reflect.deleteProperty(globalThis, 'XMLSerializer');
  }
}
