// A dotenv file as one item: an API credential with a field for each variable.

import { readDotenv, wipeDotenv } from '../core/dotenv-read.ts';
import type { ImportedVault, ReadOptions } from './imported.ts';
import { ItemDraft, VaultDraft } from './item-draft.ts';

/** Throws `dotenv/invalid` with line and column, `input/too_large` past a limit. */
export function readDotenvFile(bytes: Buffer, { fileName }: ReadOptions): ImportedVault[] {
  const entries = readDotenv(bytes);
  try {
    const vault = new VaultDraft(null);
    const draft = new ItemDraft(fileName, 'api-credential');
    for (const { name, value } of entries) draft.add(name, 'password', Buffer.from(value));
    vault.take(draft);
    return [vault.finish()];
  } finally {
    wipeDotenv(entries);
  }
}
