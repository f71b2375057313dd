// item create, edit and what else changes items. Values are gathered into Buffers that are wiped at the end; a secret is
// never an argument.

import { EXIT, type ExitCode } from '../../core/failure.ts';
import { BUILT_IN, builtInField, typeOfNew } from '../../core/item-category.ts';
import { assignmentName, parseAssignment, type Assignment } from '../../core/item-assignment.ts';
import {
  CATEGORIES,
  CONCEALED_TYPES,
  FIELD_BYTES_MAX,
  ITEM_BYTES_MAX,
  type Category,
  type FieldType,
  type Item,
} from '../../core/item.ts';
import { isId } from '../../core/names.ts';
import { printable } from '../../core/printable.ts';
import { parseRecipe } from '../../core/recipe.ts';
import type { Params } from '../../wire/methods.ts';
import { findCollection, unwritable } from './collection-commands.ts';
import { usage, type Call } from './command.ts';
import type { ValueKind } from './human.ts';
import { nameOfFile, readFileToAttach } from './item-files.ts';
import { callForItem, namedItem } from './item-names.ts';
import { kindOf } from './unmaskable.ts';

type SentField = Params<'item.create'>['fields'][number];
type SentFile = Params<'item.create'>['files'][number];
/** What says of which type a field is. */
type Kinds = Pick<Item, 'category' | 'fields'>;
type FieldAssignment = Extract<Assignment, { kind: 'field' }>;

const FIELD_VALUE: ValueKind = {
  bytesMax: FIELD_BYTES_MAX,
  insteadOfTyping: 'write field=- and send the value on standard input',
  insteadOfEmpty: 'to remove a value, remove its field: field[delete]',
};

/** Fields and files with their values, in the order that the daemon cuts them apart again. */
class Gathered implements Disposable {
  readonly fields: SentField[] = [];
  readonly files: SentFile[] = [];
  readonly removed: { section: string | null; field: string }[] = [];
  readonly #fieldValues: Buffer[] = [];
  readonly #fileValues: Buffer[] = [];

  /** Takes ownership of the value. */
  addField(field: Omit<SentField, 'bytes'>, value: Buffer): void {
    this.fields.push({ ...field, bytes: value.length });
    this.#fieldValues.push(value);
  }

  addFile(name: string, section: string | null, value: Buffer): void {
    this.files.push({ name, section, bytes: value.length });
    this.#fileValues.push(value);
  }

  get #all(): Buffer[] {
    return [...this.#fieldValues, ...this.#fileValues];
  }

  /** Hands all values over as one part. */
  async withPart<T>(use: (parts: readonly Buffer[]) => Promise<T>): Promise<T> {
    const bytes = this.#all.reduce((sum, value) => sum + value.length, 0);
    if (bytes > ITEM_BYTES_MAX)
      throw usage('that is too much for one item', `it holds at most ${ITEM_BYTES_MAX} bytes`);
    const part = Buffer.concat(this.#all);
    try {
      return await use([part]);
    } finally {
      part.fill(0);
    }
  }

  [Symbol.dispose](): void {
    for (const value of this.#all) value.fill(0);
  }
}

export async function createItem(call: Call): Promise<ExitCode> {
  const title = call.flag('title');
  if (title === undefined) throw usage('an item needs a title', 'add --title TITLE');
  const sshKey = sshKind(call.flag('ssh-generate-key'));
  const fallback: Category = sshKey === undefined ? 'login' : 'ssh-key';
  const category = CATEGORIES.find((known) => known === call.flag('category')) ?? fallback;
  const assignments = assignmentsOf(call);
  if (assignments.some(({ kind }) => kind === 'delete')) throw usage('a new item has nothing to delete');
  refuseArguments(assignments, { category, fields: [] });
  const daemon = await call.daemon();
  // Before anything is typed: a vault that is not there, or a locked one.
  const { collectionId: collection, name: vault } = await findCollection(daemon, call.flag('vault'));
  using gathered = await gather(call, assignments, { category, fields: [] });
  const { fields, files } = gathered;
  const said = { collection, title, category, tags: tagsOf(call) ?? [], fields, files };
  const params = sshKey === undefined ? said : { ...said, sshKey };
  const { result } = await gathered.withPart(async (parts) => await daemon.call('item.create', params, { parts }));
  call.output.answer(result, () => [`made item ${title} in ${vault} (${result.itemId})`, ...unwritable(title)]);
  return EXIT.done;
}

export async function editItem(call: Call): Promise<ExitCode> {
  const assignments = assignmentsOf(call);
  const [title, tags] = [call.flag('title'), tagsOf(call)];
  if (assignments.length === 0 && title === undefined && tags === undefined && !call.has('generate-password'))
    throw usage('nothing is to be changed', 'see keystile item edit --help');
  const named = namedItem(call);
  const { item } = (await callForItem(call, 'item.get', named)).result;
  refuseArguments(assignments, item);
  using gathered = await gather(call, assignments, item);
  const { fields, files, removed } = gathered;
  const changes = { ...(title !== undefined && { title }), ...(tags !== undefined && { tags: [...tags] }) };
  const params = { item: item.itemId, ...changes, fields, files, removed };
  const { result } = await gathered.withPart(async (parts) => await callForItem(call, 'item.edit', params, { parts }));
  const { itemId } = item;
  call.output.answer({ itemId, ...result }, () => [`changed ${item.title} (${itemId}): version ${result.version}`]);
  return EXIT.done;
}

export async function restoreItem(call: Call): Promise<ExitCode> {
  const text = call.flag('version') ?? '';
  if (!/^[1-9]\d{0,8}$/.test(text)) throw usage('--version needs the number of a version', 'see keystile item history');
  const version = Number(text);
  const named = namedItem(call);
  const { result } = await callForItem(call, 'item.restore', { ...named, version });
  call.output.answer(result, () => [
    `${named.item} is again what it was as version ${version}; that is version ${result.version}`,
  ]);
  return EXIT.done;
}

export async function archiveItem(call: Call, isArchived: boolean): Promise<ExitCode> {
  const named = namedItem(call, isArchived ? 'ITEM' : 'ID');
  if (!isArchived && !isId('item', named.item))
    throw usage('what is in the archive is found by its id', 'keystile item list --archived shows it');
  await callForItem(call, 'item.archive', { ...named, isArchived });
  call.output.answer({ isArchived }, () => [isArchived ? `archived ${named.item}` : `${named.item} is back`]);
  return EXIT.done;
}

export async function deleteItem(call: Call): Promise<ExitCode> {
  const named = namedItem(call);
  const { item, collection } = (await callForItem(call, 'item.get', named)).result;
  await call.human.confirmLoss(`Delete ${item.title} in ${collection} with its values, files and versions?`);
  const { result } = await callForItem(call, 'item.delete', { item: item.itemId });
  call.output.answer(result, () => [`deleted ${named.item}`]);
  return EXIT.done;
}

function assignmentsOf(call: Call): Assignment[] {
  const assignments = call.arguments('ASSIGNMENT').map((text, i) => parseAssignment(text, `assignment ${i + 1}`));
  const fromStdin = assignments.filter((one) => one.kind === 'field' && one.value.from === 'stdin');
  if (fromStdin.length > 1) throw usage('standard input holds one value', 'write field=- once');
  return assignments;
}

/** Said before anything is asked. What stands in the item under that name counts, whatever section is meant. */
function refuseArguments(assignments: readonly Assignment[], item: Kinds): void {
  for (const assignment of assignments) {
    if (assignment.kind !== 'field' || assignment.value.from !== 'text') continue;
    if (!isConcealed(assignment, item)) continue;
    const name = printable(assignmentName(assignment.section, assignment.field));
    throw usage(
      `${name} is concealed, and arguments are visible to every program of this machine`,
      `write ${name}=- and send the value on standard input, or ${name} without = to type it; [text] is for what is not secret`,
    );
  }
}

function isConcealed({ section, field, type }: FieldAssignment, { category, fields }: Kinds): boolean {
  const known = fields.filter(({ fieldId, label }) => fieldId === field || label === field);
  if (known.some((one) => CONCEALED_TYPES.has(one.type))) return true;
  if (known.length > 0 && type === null) return false;
  return CONCEALED_TYPES.has(typeOfNew(category, section, field, type));
}

async function gather(call: Call, assignments: readonly Assignment[], item: Kinds): Promise<Gathered> {
  const gathered = new Gathered();
  try {
    for (const assignment of assignments) await add(call, gathered, assignment, item);
    addGenerated(call, gathered, item.category);
    return gathered;
  } catch (error) {
    gathered[Symbol.dispose]();
    throw error;
  }
}

async function add(call: Call, gathered: Gathered, assignment: Assignment, item: Kinds): Promise<void> {
  const { section } = assignment;
  switch (assignment.kind) {
    case 'delete':
      gathered.removed.push({ section, field: assignment.field });
      return;
    case 'file':
      gathered.addFile(assignment.name ?? nameOfFile(assignment.path), section, readFileToAttach(assignment.path));
      return;
    case 'field': {
      const value = await valueOf(call, assignment);
      try {
        const type = await typeToKeep(call, assignment, item, value);
        gathered.addField({ label: assignment.field, section, type }, value);
      } catch (error) {
        value.fill(0);
        throw error;
      }
    }
  }
}

/** `text` where masking cannot hide the value and the human says that it is no secret. What is built in stays one. */
async function typeToKeep(
  call: Call,
  assignment: FieldAssignment,
  item: Kinds,
  value: Buffer,
): Promise<FieldType | null> {
  const { section, field, type } = assignment;
  const mayBePlain = section !== null || builtInField(item.category, field) === undefined;
  const isSaid = mayBePlain && type !== null && !CONCEALED_TYPES.has(type);
  if (isSaid || !isConcealed(assignment, item)) return type;
  const name = assignmentName(section, field);
  const kind = await kindOf(call, { name, value, isTyped: assignment.value.from === 'terminal', mayBePlain });
  return kind === 'plain' ? 'text' : type;
}

async function valueOf(call: Call, { section, field, value }: FieldAssignment): Promise<Buffer> {
  if (value.from === 'text') return Buffer.from(value.text, 'utf8');
  const question = `${printable(assignmentName(section, field))} (not shown)`;
  return await call.human.withValue(question, value.from === 'stdin', copyOf, FIELD_VALUE);
}

async function copyOf(bytes: Buffer): Promise<Buffer> {
  return Buffer.from(bytes);
}

/** The password is the first built-in one of the category, or a field called password. */
function addGenerated(call: Call, gathered: Gathered, category: Category): void {
  const text = call.flag('generate-password');
  if (text === undefined) return;
  const label = BUILT_IN[category].find(({ type }) => type === 'password')?.label ?? 'password';
  if (gathered.fields.some((field) => field.section === null && field.label === label)) {
    throw usage(`${label} is assigned and generated`, 'do one of them');
  }
  const recipe = parseRecipe(text, 'generate-password');
  gathered.addField({ label, section: null, type: null, recipe }, Buffer.alloc(0));
}

function tagsOf(call: Call): string[] | undefined {
  const tags = call.flag('tags')?.split(',');
  return tags?.map((tag) => tag.trim()).filter((tag) => tag !== '');
}

function sshKind(text: string | undefined): Params<'item.create'>['sshKey'] {
  const kinds = {
    ed25519: 'ed25519',
    rsa: 'rsa-4096',
    'rsa-2048': 'rsa-2048',
    'rsa-3072': 'rsa-3072',
    'rsa-4096': 'rsa-4096',
  } as const;
  if (text === undefined) return undefined;
  const word = text.toLowerCase().replace(',', '-');
  const known = Object.entries(kinds).find(([name]) => name === word);
  if (known === undefined)
    throw usage('that kind of key cannot be made', 'choose ed25519, or rsa with ,2048 ,3072 or ,4096');
  return known[1];
}
