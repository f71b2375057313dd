// Items and fields as people name them, and what they could have meant when that was more than one.

import { Failure } from '../../core/failure.ts';
import { parseAssignment } from '../../core/item-assignment.ts';
import type { Candidates, FieldPlace } from '../../core/item.ts';
import type { Answer } from '../../wire/answers.ts';
import type { CallOptions, Connection } from '../../wire/client.ts';
import type { MethodName, Params } from '../../wire/methods.ts';
import { usage, type Call } from './command.ts';
import { table, shortTime } from './output.ts';

/** The item that is meant, for the params of a call. */
export interface NamedItem {
  readonly collection?: string;
  readonly item: string;
}

export function namedItem(call: Call, argument = 'ITEM'): NamedItem {
  const collection = call.flag('vault');
  const item = call.argument(argument);
  return collection === undefined ? { item } : { collection, item };
}

/** With the fields that are meant, where there are some. */
interface NamedFields extends NamedItem {
  readonly places?: readonly FieldPlace[];
}

/** As `daemon.call`; when a name is ambiguous, what it could mean is listed on standard error first. */
export async function callForItem<M extends MethodName>(
  call: Call,
  method: M,
  params: Params<M> & NamedFields,
  options?: CallOptions,
): Promise<Answer<M>> {
  const daemon = await call.daemon();
  try {
    return await daemon.call(method, params, options);
  } catch (error) {
    if (error instanceof Failure && error.code === 'name/ambiguous') await showCandidates(call, daemon, params);
    throw error;
  }
}

/**
 * `label`, `section.label` or an id, with commas between them; `label=name`, as `op` writes it, is taken too. Throws
 * `usage/invalid`.
 */
export function placesOf(text: string): FieldPlace[] {
  return text.split(',').map((one) => {
    const parsed = parseAssignment(one.trim().replace(/^label=/, ''), '--fields');
    if (parsed.kind === 'field' && parsed.type === null && parsed.value.from === 'terminal')
      return { section: parsed.section, field: parsed.field };
    throw usage('--fields takes names of fields', 'write label or section.label');
  });
}

async function showCandidates(call: Call, daemon: Connection, named: NamedFields): Promise<void> {
  const { collection, item, places = [] } = named;
  const params = collection === undefined ? { item } : { collection, item };
  const { result } = await daemon.call('item.candidates', params);
  for (const line of itemLines(result)) call.output.note(line);
  for (const place of places) {
    const { result } = await daemon.call('item.candidates', { ...params, place });
    for (const line of fieldLines(result)) call.output.note(line);
  }
}

function itemLines(candidates: Candidates): string[] {
  if (candidates.kind !== 'items' || candidates.items.length < 2) return [];
  const rows = candidates.items.map(({ itemId, title, category, updatedAt }) => [
    itemId,
    title,
    category,
    shortTime(updatedAt),
  ]);
  return table(['ID', 'TITLE', 'CATEGORY', 'CHANGED'], rows, '');
}

function fieldLines(candidates: Candidates): string[] {
  if (candidates.kind !== 'fields' || candidates.fields.length < 2) return [];
  const rows = candidates.fields.map(({ id, label, section, type }) => [id, label, section ?? '', type]);
  return table(['ID', 'FIELD', 'SECTION', 'TYPE'], rows, '');
}
