// `keystile export`: vaults as an encrypted bundle. There is no other kind of export: a plain file of every value is what
// this program is there to end.

import { closeSync, existsSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { EXIT, Failure, type ExitCode } from '../../core/failure.ts';
import { Secret } from '../../core/secret.ts';
import type { BundleKeys } from '../../exchange/bundle.ts';
import type { PackedItem } from '../../exchange/packing.ts';
import { usage, type Call, type Command } from './command.ts';
import { counted } from './output.ts';
import { Progress } from './progress.ts';

/** Some items of one vault, as `item.export` answers them. */
export interface ItemPage {
  readonly vault: string;
  readonly items: readonly PackedItem[];
  /** Of all items one after the other, fields before files. Whoever takes the page wipes it. */
  readonly values: Buffer;
  /** Items of all pages that are asked for. */
  readonly total: number;
}

/** The daemon, as far as an export needs it. */
export interface ItemSource {
  /** Pages in an order that does not change. `vaults` are names or ids; none means all. `passphrase` is the caller's. */
  pages(vaults: readonly string[], passphrase: Buffer): AsyncIterable<ItemPage>;
}

interface Exported {
  readonly vaults: readonly { readonly name: string; readonly items: PackedItem[]; readonly values: Buffer[] }[];
}

/** The command, given a way to the daemon. */
export function exportCommand(connect: (call: Call) => Promise<ItemSource>): Command {
  return {
    path: ['export'],
    flags: {
      to: { value: 'FILE', help: 'the new file to write; .age says what it is' },
      vault: { value: 'VAULT', names: 'vault', isRepeated: true, help: 'only this vault; may be given several times' },
      recipient: { value: 'AGE', isRepeated: true, help: 'who may open it: age1... or age1pq1...; may be repeated' },
      'generate-identity': {
        value: 'IDENTITY',
        help: 'make a new identity, write it to this new file, encrypt for it',
      },
      passphrase: { help: 'encrypt with a passphrase, which is asked for, instead of for recipients' },
    },
    exclusive: [
      ['passphrase', 'recipient'],
      ['passphrase', 'generate-identity'],
    ],
    help: 'write vaults to an encrypted file, which age and keystile import open; asks for the passphrase',
    details:
      'Whoever opens the file has every value in it. Keep an identity in another place than what it opens.\n' +
      'There is no plain export: it would put every value on the disk, and into its backups, in the clear.',
    example: 'keystile export --to team.age --vault Team --generate-identity team.key',
    run: async (call) => await runExport(call, connect),
  };
}

/** Checked before anything is asked or read. */
interface Plan {
  /** Absolute. */
  readonly to: string;
  readonly openedBy:
    | { readonly kind: 'passphrase' }
    | {
        readonly kind: 'recipients';
        readonly recipients: readonly string[];
        readonly identityFile: string | undefined;
      };
}

async function runExport(call: Call, connect: (call: Call) => Promise<ItemSource>): Promise<ExitCode> {
  const plan = await planOf(call);
  const exported = await fetchAll(call, await connect(call));
  try {
    const recipients = await write(call, plan, exported);
    answer(call, exported, plan.to, recipients);
    return EXIT.done;
  } finally {
    for (const { values } of exported.vaults) for (const value of values) value.fill(0);
  }
}

/** Answers for whom it was encrypted: nobody by name when there is a passphrase. */
async function write(call: Call, { to, openedBy }: Plan, exported: Exported): Promise<readonly string[]> {
  switch (openedBy.kind) {
    case 'passphrase':
      await withPassphrase(call, async (passphrase) => {
        writeNew(to, await encrypt(exported, { kind: 'passphrase', passphrase }), 'to');
      });
      return [];
    case 'recipients': {
      using generated = await identityFor(openedBy.identityFile, openedBy.recipients);
      const recipients = [...openedBy.recipients, ...generated.recipients];
      const bundle = await encrypt(exported, { kind: 'recipients', recipients });
      // First the identity: a bundle that nobody can open is worth less than an identity that opens nothing.
      generated.write();
      writeNew(to, bundle, 'to');
      return recipients;
    }
  }
}

async function planOf(call: Call): Promise<Plan> {
  const to = newPath(call, 'to');
  if (to === undefined) throw usage('export needs --to', 'write --to FILE');
  if (call.has('passphrase')) return { to, openedBy: { kind: 'passphrase' } };
  const identityFile = newPath(call, 'generate-identity');
  if (to === identityFile) throw usage('the bundle and its identity are two files');
  const recipients = call.flags('recipient');
  if (recipients.length === 0 && identityFile === undefined) throw refusePlain();
  const { checkRecipients } = await import('../../exchange/bundle.ts');
  if (recipients.length > 0) checkRecipients(recipients);
  return { to, openedBy: { kind: 'recipients', recipients, identityFile } };
}

function refusePlain(): Failure {
  return usage(
    'an export is encrypted: say for whom',
    'give --recipient, --generate-identity or --passphrase; a plain file would hold every value in the clear',
  );
}

/** Checked before anything is asked; `wx` has the last word. */
function newPath(call: Call, flag: string): string | undefined {
  const path = call.flag(flag);
  if (path === undefined) return undefined;
  if (!existsSync(resolve(path))) return resolve(path);
  throw new Failure('file/exists', `${path} is there already`, { field: flag, hint: 'name a new file' });
}

// --- collecting ----------------------------------------------------------------------------------------------------

async function fetchAll(call: Call, source: ItemSource): Promise<Exported> {
  const { CONTAINER_BYTES_MAX } = await import('../../exchange/container.ts');
  const { packedBytes } = await import('../../exchange/packing.ts');
  let progress: Progress | undefined;
  const vaults = new Map<string, { name: string; items: PackedItem[]; values: Buffer[] }>();
  let bytes = 0;
  try {
    await call.human.withPassphrase('Passphrase of the vault, to export it', async (passphrase) => {
      for await (const { vault: name, items, values, total } of source.pages(call.flags('vault'), passphrase)) {
        progress ??= Progress.of(call.output, 'exporting', total);
        const vault = vaults.get(name) ?? { name, items: [], values: [] };
        vaults.set(name, vault);
        vault.values.push(values);
        for (const item of items) vault.items.push(item);
        bytes += values.length;
        if (bytes > CONTAINER_BYTES_MAX) throw tooLarge();
        if (items.reduce((sum, item) => sum + packedBytes(item), 0) !== values.length) throw misfit();
        progress.advance(items.length);
      }
    });
    return { vaults: [...vaults.values()] };
  } catch (error) {
    for (const { values } of vaults.values()) for (const value of values) value.fill(0);
    throw error;
  } finally {
    progress?.done();
  }
}

/** Such a bundle could not be read again. */
function misfit(): Failure {
  return new Failure('daemon/protocol', 'the daemon sent values that do not fit their items');
}

function tooLarge(): Failure {
  return new Failure('input/too_large', 'these vaults do not fit into one bundle', { hint: 'export fewer at once' });
}

// --- encrypting ----------------------------------------------------------------------------------------------------

async function encrypt({ vaults }: Exported, keys: BundleKeys): Promise<Buffer> {
  const { joinContainer } = await import('../../exchange/container.ts');
  const { encryptContainer } = await import('../../exchange/bundle.ts');
  using container = new Secret(
    joinContainer(
      vaults.map(({ name, items }) => ({ name, items })),
      vaults.flatMap(({ values }) => values),
    ),
  );
  return await encryptContainer(container.reveal(), keys);
}

async function withPassphrase<T>(call: Call, use: (passphrase: Secret) => Promise<T>): Promise<T> {
  call.output.note('Now a passphrase for the bundle; it opens every value in it.');
  return await call.human.withNewPassphrase(async (typed) => {
    using passphrase = new Secret(Buffer.from(typed));
    return await use(passphrase);
  });
}

interface OwnIdentity extends Disposable {
  /** One, or none when no identity was asked for. */
  readonly recipients: readonly string[];
  /** Writes the file as age-keygen does. */
  write(): void;
}

async function identityFor(path: string | undefined, others: readonly string[]): Promise<OwnIdentity> {
  if (path === undefined) return { recipients: [], write: () => undefined, [Symbol.dispose]: () => undefined };
  const { generateIdentityBeside } = await import('../../exchange/bundle.ts');
  const { identity, recipient } = await generateIdentityBeside(others);
  const lines = [Buffer.from(`# public key: ${recipient}\n`), identity.reveal(), Buffer.from('\n')];
  const file = new Secret(Buffer.concat(lines));
  identity.wipe();
  return {
    recipients: [recipient],
    write: () => writeNew(path, file.reveal(), 'generate-identity'),
    [Symbol.dispose]: () => file.wipe(),
  };
}

// --- writing -------------------------------------------------------------------------------------------------------

/** 0600, and never over another file. */
function writeNew(path: string, bytes: Buffer, field: string): void {
  try {
    const file = openSync(path, 'wx', 0o600);
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } catch (error) {
      // Half a bundle would look like one.
      rmSync(path);
      throw error;
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw new Failure('input/invalid', `${path} cannot be written`, { field, hint: 'name a new file', cause });
  }
}

function answer(call: Call, { vaults }: Exported, file: string, recipients: readonly string[]): void {
  const counts = vaults.map(({ name, items }) => ({ name, itemCount: items.length }));
  const identityFile = call.flag('generate-identity');
  call.output.answer({ file, vaults: counts, recipients }, () => [
    ...counts.map(({ name, itemCount }) => `${name}: ${counted(itemCount, 'item')}`),
    `wrote ${file}`,
    ...(recipients.length === 0 ? [] : [`it opens for ${recipients.map(shortened).join(', ')}`]),
    ...(identityFile === undefined ? [] : [`${identityFile} opens it: keep it in another place`]),
  ]);
}

/** A post-quantum recipient has nearly 2000 characters. */
function shortened(recipient: string): string {
  return recipient.length <= 70 ? recipient : `${recipient.slice(0, 24)}...${recipient.slice(-8)}`;
}
