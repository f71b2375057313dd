// Items that are there twice in what is imported: alike in everything, values included. One of each is kept.

import { createHash } from 'node:crypto';
import { canonicalJson } from '../core/canonical.ts';
import type { NewItem } from '../core/item.ts';
import { wipeItems } from './imported.ts';
import { packItem } from './packing.ts';

/** The items without those that were there already; these are wiped. Order is kept. */
export function dropDuplicates(items: readonly NewItem[]): { kept: readonly NewItem[]; duplicates: number } {
  const seen = new Set<string>();
  const kept: NewItem[] = [];
  for (const item of items) {
    const digest = digestOf(item);
    if (seen.has(digest)) wipeItems([item]);
    else kept.push(item);
    seen.add(digest);
  }
  return { kept, duplicates: items.length - kept.length };
}

/** The lengths are part of what is packed, so values cannot run into each other. It never leaves this process. */
function digestOf(item: NewItem): string {
  const hash = createHash('sha256').update(canonicalJson(packItem(item)), 'utf8');
  for (const { value } of item.fields) hash.update(value.reveal());
  for (const { content } of item.files) hash.update(content.reveal());
  return hash.digest('base64');
}
