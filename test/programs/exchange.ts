// `exchange.ts STORE import|export …`: the two commands as a process of their own, with a file in the place of the daemon.
// It holds what item.import was sent, in the shape of the wire.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Failure } from '../../src/core/failure.ts';
import type { PackedItem } from '../../src/exchange/packing.ts';
import type { Call } from '../../src/doors/cli/command.ts';
import { exportCommand, type ItemPage, type ItemSource } from '../../src/doors/cli/export-command.ts';
import { processHuman } from '../../src/doors/cli/human.ts';
import { importCommand, type ItemSink } from '../../src/doors/cli/import-command.ts';
import { printFailure, processOutput } from '../../src/doors/cli/output.ts';
import { findCommand, parseCommand } from '../../src/doors/cli/parse.ts';

interface Batch {
  readonly vault: string;
  readonly items: readonly PackedItem[];
  readonly base64: string;
}

class FileStore implements ItemSink, ItemSource {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  #batches(): Batch[] {
    return existsSync(this.#path) ? (JSON.parse(readFileSync(this.#path, 'utf8')) as Batch[]) : [];
  }

  async ensureVault(): Promise<void> {
    if (process.env['STORE_FAILS'] === 'vault') throw new Failure('vault/locked', 'the vault is locked');
  }

  async importItems(vault: string, items: readonly PackedItem[], values: Buffer): Promise<{ duplicates: number }> {
    const batches = this.#batches();
    if (process.env['STORE_FAILS'] === 'second' && batches.length > 0) throw new Failure('vault/limit', 'full');
    writeFileSync(this.#path, JSON.stringify([...batches, { vault, items, base64: values.toString('base64') }]));
    return { duplicates: 0 };
  }

  async *pages(vaults: readonly string[], passphrase: Buffer): AsyncGenerator<ItemPage> {
    if (passphrase.toString() !== 'correct horse') throw new Failure('vault/wrong_passphrase', 'wrong passphrase');
    const wanted = this.#batches().filter(({ vault }) => vaults.length === 0 || vaults.includes(vault));
    const total = wanted.reduce((sum, { items }) => sum + items.length, 0);
    for (const { vault, items, base64 } of wanted) yield { vault, items, values: Buffer.from(base64, 'base64'), total };
  }
}

const [, , store = '', ...argv] = process.argv;
const isJson = argv.includes('json');
try {
  const file = new FileStore(store);
  const found = findCommand([importCommand(async () => file), exportCommand(async () => file)], argv);
  if (found.kind !== 'command') throw new TypeError('no such command');
  const { args, flags, repeatedFlags } = parseCommand(found.command, found.rest);
  const call: Call = {
    argument: (name) => args.get(name) ?? '',
    optionalArgument: (name) => args.get(name),
    flag: (name) => (typeof flags.get(name) === 'string' ? String(flags.get(name)) : undefined),
    arguments: () => [],
    command: [],
    flags: (name) => repeatedFlags.get(name) ?? [],
    has: (name) => flags.has(name),
    output: processOutput(isJson),
    human: processHuman(flags.has('passphrase-stdin')),
    daemon: () => Promise.reject(new TypeError('there is none')),
    runningDaemon: async () => null,
  };
  process.exitCode = await found.command.run(call);
} catch (error) {
  const failure = Failure.from(error);
  printFailure(failure, isJson);
  process.exitCode = failure.exitCode;
}
