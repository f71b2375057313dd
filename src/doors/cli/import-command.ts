// `keystile import`: the items of another manager's export into vaults of ours. The file is read in this process, which
// ends soon; a dry run shows what is in it and never a value. What reads formats is loaded only when something is imported.

import { basename, resolve } from 'node:path';
import { EXIT, Failure, type ExitCode } from '../../core/failure.ts';
import type { NewItem } from '../../core/item.ts';
import { parseTitle } from '../../core/names.ts';
import { printable } from '../../core/printable.ts';
import { Secret } from '../../core/secret.ts';
import type { Format } from '../../exchange/formats.ts';
import type { ImportedVault, ReadOptions } from '../../exchange/imported.ts';
import type { PackedItem } from '../../exchange/packing.ts';
import { usage, type Call, type Command } from './command.ts';
import { readWhole } from './import-file.ts';
import type { ImportReport } from './import-report.ts';
import { Progress } from './progress.ts';

/** Kept in memory as a whole, beside what is made of it. */
const IMPORT_BYTES_MAX = 1024 * 1024 * 1024;
const KEY_FILE_BYTES_MAX = 1024 * 1024;
/** For items of a format that knows no vaults. */
const DEFAULT_VAULT = 'Imported';
/** As exchange/formats.ts has them; a test holds the two together. */
export const IMPORT_FORMATS: readonly Format[] = ['bundle', '1pux', 'bitwarden', 'keepass', 'csv', 'dotenv'];

/** The daemon, as far as an import needs it. */
export interface ItemSink {
  /** Makes the vault of that name unless there is one. */
  ensureVault(name: string): Promise<void>;
  /**
   * Stores items in a vault: `values` are those of all items one after the other, fields before files. Stores all or
   * throws. Answers how many of them it had already and left out.
   */
  importItems(vault: string, items: readonly PackedItem[], values: Buffer): Promise<{ readonly duplicates: number }>;
}

interface ReadFile {
  readonly format: Format;
  readonly vaults: readonly ImportedVault[];
}

/** The command, given a way to the daemon. It is not gone for a dry run. */
export function importCommand(connect: (call: Call) => Promise<ItemSink>): Command {
  return {
    path: ['import'],
    args: [{ name: 'FILE' }],
    flags: {
      from: { value: 'FORMAT', choices: IMPORT_FORMATS, help: 'what wrote the file; otherwise told from its content' },
      vault: {
        value: 'VAULT',
        names: 'vault',
        help: 'put everything into this vault, instead of those the file names',
      },
      'dry-run': { help: 'show what is in the file, without values, and store nothing' },
      'key-file': { value: 'KEYFILE', help: 'the key file of a KeePass database' },
      identity: { value: 'IDENTITY', help: 'the file with the age identity that opens a bundle' },
    },
    help: 'take the items of a password manager, a CSV file or a bundle into vaults, which are made if need be',
    details:
      'Reads 1Password (.1pux), Bitwarden (.json, unencrypted), KeePass (.kdbx), CSV of browsers and managers, dotenv\n' +
      'files, and bundles of keystile export. Earlier passwords stay behind. The password of a file is asked for.',
    example: 'keystile import export.1pux --dry-run',
    run: async (call) => await runImport(call, connect),
  };
}

async function runImport(call: Call, connect: (call: Call) => Promise<ItemSink>): Promise<ExitCode> {
  const chosen = call.flag('vault');
  if (chosen !== undefined) parseTitle(chosen, 'vault');
  const { format, vaults } = await readFile(call);
  const { wipeVaults } = await import('../../exchange/imported.ts');
  const { dropDuplicates } = await import('../../exchange/duplicates.ts');
  try {
    let duplicates = 0;
    const homes = new Map<string, readonly NewItem[]>();
    for (const [name, items] of itemsByVault(vaults, chosen)) {
      const kept = dropDuplicates(items);
      homes.set(name, kept.kept);
      duplicates += kept.duplicates;
    }
    const alreadyThere = call.has('dry-run') ? 0 : await sendAll(call, await connect(call), homes);
    const { importDocument, importLines } = await import('./import-report.ts');
    const report = await reportOf(call, { format, vaults }, homes, { duplicates, alreadyThere });
    call.output.answer(importDocument(report), () => importLines(report));
    return EXIT.done;
  } finally {
    wipeVaults(vaults);
  }
}

async function readFile(call: Call): Promise<ReadFile> {
  const path = resolve(call.argument('FILE'));
  const { detectFormat, readExport } = await import('../../exchange/formats.ts');
  using file = readWhole(path, IMPORT_BYTES_MAX, 'FILE');
  using keyFile = fileOf(call, 'key-file');
  using identities = fileOf(call, 'identity');
  const fileName = basename(path);
  const format = IMPORT_FORMATS.find((name) => name === call.flag('from')) ?? detectFormat(file.reveal(), fileName);
  if (format === null)
    throw new Failure('import/format', `the format of ${fileName} cannot be told`, { field: 'FILE' });
  if (keyFile !== undefined && format !== 'keepass') throw usage('--key-file goes with a KeePass database');
  if (identities !== undefined && format !== 'bundle') throw usage('--identity goes with a bundle');
  const options: ReadOptions = {
    fileName,
    password: async () => await askFor(call, format === 'bundle' ? 'Passphrase' : 'Password', fileName),
    ...(keyFile !== undefined && { keyFile }),
    ...(identities !== undefined && { identities }),
  };
  return { format, vaults: await readExport(file.reveal(), format, options) };
}

function fileOf(call: Call, flag: string): Secret | undefined {
  const path = call.flag(flag);
  return path === undefined ? undefined : readWhole(resolve(path), KEY_FILE_BYTES_MAX, flag);
}

async function askFor(call: Call, what: string, fileName: string): Promise<Secret> {
  return await call.human.withSecretLine(`${what} of ${printable(fileName)}`, async (line) => {
    return new Secret(Buffer.from(line));
  });
}

function itemsByVault(vaults: readonly ImportedVault[], chosen: string | undefined): ReadonlyMap<string, NewItem[]> {
  const homes = new Map<string, NewItem[]>();
  for (const { name, items } of vaults) {
    const home = chosen ?? name ?? DEFAULT_VAULT;
    if (items.length > 0) homes.set(home, [...(homes.get(home) ?? []), ...items]);
  }
  return homes;
}

/** Answers how many items were there already. What was stored before a failure stays; importing again leaves it out. */
async function sendAll(call: Call, sink: ItemSink, homes: ReadonlyMap<string, readonly NewItem[]>): Promise<number> {
  const { batchesOf } = await import('../../exchange/batches.ts');
  const { packItem, packValues } = await import('../../exchange/packing.ts');
  const total = [...homes.values()].reduce((sum, { length }) => sum + length, 0);
  using progress = Progress.of(call.output, 'importing', total);
  let stored = 0;
  let duplicates = 0;
  try {
    for (const [vault, items] of homes) {
      await sink.ensureVault(vault);
      for (const batch of batchesOf(items)) {
        using values = new Secret(packValues(batch));
        duplicates += (await sink.importItems(vault, batch.map(packItem), values.reveal())).duplicates;
        stored += batch.length;
        progress.advance(batch.length);
      }
    }
    return duplicates;
  } catch (error) {
    progress.done();
    if (stored > 0) call.output.note(`${stored} of ${total} items were imported before this went wrong`);
    throw error;
  }
}

async function reportOf(
  call: Call,
  { format, vaults }: ReadFile,
  homes: ReadonlyMap<string, readonly NewItem[]>,
  leftOut: Pick<ImportReport, 'duplicates' | 'alreadyThere'>,
): Promise<ImportReport> {
  const { FORMAT_TABLE } = await import('../../exchange/formats.ts');
  const { outlineOf, unmaskableOf } = await import('./import-report.ts');
  const { title, leftBehind, isPlain } = FORMAT_TABLE[format];
  return {
    file: call.argument('FILE'),
    format,
    formatTitle: title,
    isDryRun: call.has('dry-run'),
    vaults: [...homes].map(([name, items]) => ({ name, items: items.map(outlineOf) })),
    unmaskable: [...homes.values()].flat().flatMap(unmaskableOf),
    skipped: vaults.flatMap((vault) => vault.skipped),
    ...leftOut,
    leftBehind,
    isPlain,
  };
}
