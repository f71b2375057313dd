// What an import says of itself: how much came along, and by name what did not. Of a dry run, names and kinds of all there
// is. No value is here, and no length of one.

import { CONCEALED_TYPES, type FieldType, type NewItem } from '../../core/item.ts';
import { maskabilityOf } from '../../core/maskability.ts';
import type { Format } from '../../exchange/formats.ts';
import { SKIP_REASONS, type SkipReason } from '../../exchange/imported.ts';
import { counted } from './output.ts';
import { unmaskableLines } from './unmaskable.ts';

export interface ItemOutline {
  readonly title: string;
  readonly category: string;
  readonly tags: readonly string[];
  readonly isArchived: boolean;
  readonly fields: readonly { readonly label: string; readonly section: string | null; readonly type: FieldType }[];
  readonly files: readonly { readonly name: string; readonly section: string | null; readonly bytes: number }[];
}

export interface ImportReport {
  readonly file: string;
  readonly format: Format;
  /** `an export of 1Password (.1pux)`. */
  readonly formatTitle: string;
  readonly isDryRun: boolean;
  readonly vaults: readonly { readonly name: string; readonly items: readonly ItemOutline[] }[];
  readonly skipped: readonly { readonly title: string; readonly why: SkipReason }[];
  /** Items that are in the file twice. */
  readonly duplicates: number;
  /** Items that the vault had already. */
  readonly alreadyThere: number;
  readonly leftBehind: string | null;
  /** Fields, by title and label, whose values masking cannot hide. */
  readonly unmaskable: readonly string[];
  /** Whether anybody who has the file can read it. */
  readonly isPlain: boolean;
}

export function outlineOf(item: NewItem): ItemOutline {
  return {
    title: item.title,
    category: item.category,
    tags: item.tags,
    isArchived: item.isArchived === true,
    fields: item.fields.map(({ label, section, type }) => ({ label, section, type })),
    files: item.files.map(({ name, section, content }) => ({ name, section, bytes: content.byteLength })),
  };
}

/** Of the fields that are concealed; no value is kept. */
export function unmaskableOf({ title, fields }: NewItem): string[] {
  return fields
    .filter(({ type, value }) => CONCEALED_TYPES.has(type) && value.byteLength > 0)
    .filter(({ value }) => maskabilityOf(value.reveal()) !== 'maskable')
    .map(({ section, label }) => `${title}/${place(section, label)}`);
}

/** The answer with --format json. */
export function importDocument(report: ImportReport): object {
  const { format, isDryRun, skipped, duplicates, alreadyThere, leftBehind, unmaskable } = report;
  const vaults = report.vaults.map(({ name, items }) => {
    const counts = { name, itemCount: items.length, ...contentCounts(items) };
    return isDryRun ? { ...counts, items } : counts;
  });
  return { format, dryRun: isDryRun, vaults, duplicates, alreadyThere, skipped, leftBehind, unmaskable };
}

/** The answer for people. */
export function importLines(report: ImportReport): string[] {
  const items = report.vaults.flatMap((vault) => vault.items);
  const where = report.vaults.map(({ name }) => name).join(', ');
  return [
    ...(report.isDryRun ? report.vaults.flatMap(({ name, items }) => [`${name}:`, ...items.map(itemLine)]) : []),
    `${muchText(report, items)} from ${report.formatTitle}${where === '' ? '' : `, into ${where}`}`,
    ...(report.alreadyThere === 0 ? [] : [`left out ${counted(report.alreadyThere, 'item')} that were there already`]),
    ...(report.duplicates === 0 ? [] : [`left out ${counted(report.duplicates, 'item')} that the file has twice`]),
    ...skippedLines(report.skipped),
    ...(report.leftBehind === null ? [] : [`not taken along: ${report.leftBehind}`]),
    ...unmaskableLines(report.unmaskable),
    ...(report.isPlain ? [`${report.file} is still there, in the clear; delete it once everything is here`] : []),
  ];
}

/** How much was stored. Of which items some were there already, their fields are not counted. */
function muchText({ isDryRun, alreadyThere }: ImportReport, items: readonly ItemOutline[]): string {
  if (alreadyThere > 0) return `imported ${counted(items.length - alreadyThere, 'item')}`;
  const { fieldCount, fileCount } = contentCounts(items);
  const verb = isDryRun ? 'would import' : 'imported';
  return `${verb} ${counted(items.length, 'item')} with ${counted(fieldCount, 'field')} and ${counted(fileCount, 'file')}`;
}

function itemLine({ title, category, tags, isArchived, fields, files }: ItemOutline): string {
  const parts = [
    ...fields.map(({ section, label, type }) => `${place(section, label)} (${type})`),
    ...files.map(({ section, name, bytes }) => `${place(section, name)} (file, ${counted(bytes, 'byte')})`),
  ];
  const marks = [category, ...(isArchived ? ['archived'] : []), ...tags.map((tag) => `#${tag}`)];
  return `  ${title} [${marks.join(' ')}]: ${parts.join(', ')}`;
}

function place(section: string | null, name: string): string {
  return section === null ? name : `${section}/${name}`;
}

function skippedLines(skipped: ImportReport['skipped']): string[] {
  if (skipped.length === 0) return [];
  return [
    `left out ${counted(skipped.length, 'item')}:`,
    ...skipped.map(({ title, why }) => `  ${title}: ${SKIP_REASONS[why]}`),
  ];
}

function contentCounts(items: readonly ItemOutline[]): { fieldCount: number; fileCount: number } {
  return {
    fieldCount: items.reduce((sum, { fields }) => sum + fields.length, 0),
    fileCount: items.reduce((sum, { files }) => sum + files.length, 0),
  };
}
