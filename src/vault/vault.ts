// The vault: locked, it says nothing; unlocked, it gives out names, and values only sealed. One file, one writer.

import { randomBytes } from 'node:crypto';
import type { Environment, OutputMode, Variable } from '../core/environment.ts';
import { Failure } from '../core/failure.ts';
import type { SecretReference } from '../core/reference.ts';
import { Secret } from '../core/secret.ts';
import { Agents } from './agents.ts';
import type { StoredAgent } from './agents.ts';
import { Collections } from './collections.ts';
import { forgiveAttempts } from './back-off.ts';
import { Environments } from './environments.ts';
import type { SealedVariable, VariableInput } from './environments.ts';
import * as files from './files.ts';
import type { VaultFiles } from './files.ts';
import { checkHeader } from './header.ts';
import { HeldOutput } from './held-output.ts';
import type { SealedField } from './item-openings.ts';
import { Items } from './items.ts';
import { deriveKeys, DEVICE_SECRET_BYTES, checkNewPassphrase, wipeKeys } from './keys.ts';
import type { VaultKeys } from './keys.ts';
import { newRecoveryKey, recoveredKey, vaultKeyFor, wrapForUnlock, writeNewVault } from './opening.ts';
import type { NewVault } from './opening.ts';
import { Mounts } from './mounts.ts';
import { Records } from './records.ts';
import type { RandomBytes } from './seal.ts';
import { Settings } from './settings.ts';
import { SqliteStore } from './sqlite-store.ts';
import type { VaultStore } from './store.ts';

export interface OpenOptions {
  readonly files: VaultFiles;
  /** Wall clock, ms since 1970. */
  readonly now: () => number;
  /** Where keys and nonces come from: the system, but for test vectors. */
  readonly random?: RandomBytes;
}

export type CreateOptions = OpenOptions & NewVault;

/** What is there only while the vault is unlocked. */
interface Session {
  readonly vaultKey: Buffer;
  readonly keys: VaultKeys;
  readonly records: Records;
  readonly environments: Environments;
  readonly agents: Agents;
  readonly settings: Settings;
  readonly heldOutput: HeldOutput;
  readonly mounts: Mounts;
  readonly collections: Collections;
  readonly items: Items;
}

/** Passphrases and recovery keys handed to it stay the caller's, who wipes them. */
export class Vault {
  readonly vaultId: string;
  readonly #files: VaultFiles;
  readonly #store: VaultStore;
  readonly #now: () => number;
  readonly #random: RandomBytes;
  #session: Session | undefined;
  /** How often the vault was locked: an unlock that was under way meanwhile does not count. */
  #locks = 0;

  private constructor(options: OpenOptions) {
    if (!files.isVaultThere(options.files)) throw new Failure('vault/absent', 'there is no vault yet');
    this.#files = options.files;
    this.#now = options.now;
    this.#random = options.random ?? randomBytes;
    this.#store = new SqliteStore(options.files.vault);
    try {
      const header = this.#store.readHeader();
      checkHeader(header);
      this.vaultId = header.vaultId;
    } catch (error) {
      this.#store.close();
      throw error;
    }
  }

  /**
   * Makes the files and gives the vault unlocked. A crash leaves no vault or a whole one.
   * Throws `vault/exists`, `vault/weak_passphrase`, `vault/weak_kdf`, `home/unsafe`, `machine/io`.
   */
  static async create(options: CreateOptions): Promise<Vault> {
    if (files.isVaultThere(options.files)) throw new Failure('vault/exists', 'there is a vault already');
    return Vault.openWithKey(options, await writeNewVault(options));
  }

  /** The vault as it lies there: locked. Throws `vault/absent`, `vault/damaged`, `vault/newer_format`, `home/in_use` … */
  static open(options: OpenOptions): Vault {
    return new Vault(options);
  }

  /** The vault opened with its own key, whatever that was unwrapped with. Takes and wipes `vaultKey`. */
  static openWithKey(options: OpenOptions, vaultKey: Secret): Vault {
    const vault = new Vault(options);
    try {
      vault.#admit(Buffer.from(vaultKey.reveal()));
    } catch (error) {
      vault.close();
      throw error;
    } finally {
      vaultKey.wipe();
    }
    return vault;
  }

  get isUnlocked(): boolean {
    return this.#session !== undefined;
  }

  /** Another one after every change of anything in it, and never an earlier one again. Throws `vault/locked`. */
  get revision(): number {
    return this.#open().records.header.revision;
  }

  /**
   * Throws `vault/wrong_passphrase` whichever part was wrong, `vault/back_off` while it is too early,
   * `vault/damaged` when the file was changed, `vault/locked` when it was locked again meanwhile.
   */
  async unlock(passphrase: Secret): Promise<void> {
    const locks = this.#locks;
    const vaultKey = await vaultKeyFor(this.#store, this.#files, this.#now(), passphrase);
    if (locks === this.#locks && !this.isUnlocked) {
      this.#admit(vaultKey);
      return;
    }
    vaultKey.fill(0);
    if (locks !== this.#locks) throw lockedFailure();
  }

  /** The human factor for one decision: fails as `unlock` does, changes nothing. */
  async verify(passphrase: Secret): Promise<void> {
    this.#open();
    const locks = this.#locks;
    const vaultKey = await vaultKeyFor(this.#store, this.#files, this.#now(), passphrase);
    vaultKey.fill(0);
    if (locks !== this.#locks) throw lockedFailure();
  }

  /**
   * What unlocking has left unchecked of a large vault, a few ms at a time; ends at once for a small one. A step throws
   * `vault/damaged` when a record is gone, added or replaced: the caller locks then. Ends when the vault is locked.
   */
  *verification(): Generator<void, void, undefined> {
    const session = this.#open();
    for (const step of session.records.verification()) {
      yield step;
      if (this.#session !== session) return;
    }
  }

  /** Overwrites every key. Names read before are strings, which JavaScript cannot overwrite. */
  lock(): void {
    this.#locks += 1;
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    session.vaultKey.fill(0);
    wipeKeys(session.keys);
  }

  close(): void {
    this.lock();
    this.#store.close();
  }

  /** Makes a new recovery key; the one before ends. The text of it, which the caller wipes. */
  makeRecoveryKey(): Secret {
    const { records, vaultKey } = this.#open();
    const { text, wrap } = newRecoveryKey(records.header, vaultKey, this.#random);
    records.changeHeader({ recoveryWrap: wrap });
    return text;
  }

  /**
   * Unlocks with the kit, and makes passphrase and secret of this machine new. The kit stays good until
   * `makeRecoveryKey`. Throws `input/invalid` for a mistyped key, `vault/wrong_passphrase` for the key of another vault
   * or kit, `vault/weak_passphrase`, `vault/damaged`.
   */
  async recover(recoveryKey: Secret, newPassphrase: Secret): Promise<void> {
    checkNewPassphrase(newPassphrase);
    this.lock();
    const locks = this.#locks;
    const vaultKey = recoveredKey(this.#store.readHeader(), recoveryKey);
    const deviceSecret = this.#random(DEVICE_SECRET_BYTES);
    try {
      const header = this.#store.readHeader();
      const material = { passphrase: newPassphrase, deviceSecret, vaultKey };
      const unlock = await wrapForUnlock(header, header.kdf, material, this.#random);
      if (locks !== this.#locks || this.isUnlocked) throw lockedFailure();
      this.#admit(Buffer.from(vaultKey));
      // Until the last step both secrets lie there and both are tried: a crash in between locks nobody out.
      files.writeNewDeviceSecret(this.#files, deviceSecret);
      this.#open().records.changeHeader(unlock);
      files.useDeviceSecret(this.#files, deviceSecret);
      forgiveAttempts(this.#store);
    } finally {
      deviceSecret.fill(0);
      vaultKey.fill(0);
    }
  }

  /** Ordered by name. */
  environments(): Environment[] {
    return this.#open().environments.list();
  }

  /** Throws `name/not_found`. */
  environment(nameOrId: string): Environment {
    return this.#open().environments.get(nameOrId);
  }

  /** Throws `name/invalid`, `name/taken`, `vault/limit`. */
  createEnvironment(name: string, createdBy: string | null): Environment {
    return this.#open().environments.create(name, createdBy);
  }

  renameEnvironment(environmentId: string, name: string): void {
    this.#open().environments.rename(environmentId, name);
  }

  deleteEnvironment(environmentId: string): void {
    this.#open().environments.delete(environmentId);
  }

  setOutput(environmentId: string, output: OutputMode): void {
    this.#open().environments.setOutput(environmentId, output);
  }

  /** Makes or replaces. Does not wipe the value. Throws `name/invalid`, `input/invalid`, `input/too_large`, `vault/limit`. */
  setVariable(environmentId: string, input: VariableInput): Variable {
    return this.#open().environments.setVariable(environmentId, input);
  }

  /** Throws `name/not_found`. */
  unsetVariable(environmentId: string, name: string): void {
    this.#open().environments.unsetVariable(environmentId, name);
  }

  /** Several changes or none, in one commit. `work` is not asynchronous. */
  transaction<T>(work: () => T): T {
    return this.#open().records.transaction(work);
  }

  /** Exactly the named variables, sealed, each with its own key. Only the gate asks for them (I9). */
  sealedVariables(environmentId: string, names: readonly string[]): SealedVariable[] {
    return this.#open().environments.sealedVariables(environmentId, names);
  }

  /** The caller wipes `bytes`. Throws `input/too_large` past 3 MiB. */
  holdOutput(runId: string, bytes: Buffer): void {
    this.#open().heldOutput.hold(runId, bytes);
  }

  /** Throws `run/nothing_held`, as the next two do. */
  heldOutput(runId: string): Secret {
    return this.#open().heldOutput.read(runId);
  }

  /** Reads it and drops it. */
  releaseHeldOutput(runId: string): Secret {
    return this.#open().heldOutput.release(runId);
  }

  dropHeldOutput(runId: string): void {
    this.#open().heldOutput.drop(runId);
  }

  dropHeldOutputs(): void {
    this.#open().heldOutput.dropAll();
  }

  agents(): StoredAgent[] {
    return this.#open().agents.list();
  }

  putAgent(agent: StoredAgent): void {
    this.#open().agents.put(agent);
  }

  forgetAgent(agentId: string): void {
    this.#open().agents.forget(agentId);
  }

  /** Mounted files and backups of files, while the vault is unlocked. */
  get mounts(): Mounts {
    return this.#open().mounts;
  }

  /** What people call vaults, while this one is unlocked. */
  get collections(): Collections {
    return this.#open().collections;
  }

  get items(): Items {
    return this.#open().items;
  }

  /** The value that a reference to an item means, sealed, with its own key. Only the gate asks for it (I9). */
  sealedField(reference: SecretReference): SealedField {
    return this.#open().items.openings.sealedField(reference);
  }

  setting(name: string): string | undefined {
    return this.#open().settings.get(name);
  }

  setSetting(name: string, text: string): void {
    this.#open().settings.set(name, text);
  }

  /** Copies, which the caller wipes. `signingKey` is the seed of an Ed25519 key (RFC 8032): 32 bytes, as the others. */
  auditKeys(): { macSeed: Secret; namesKey: Secret; signingKey: Secret } {
    const { audit_seed: macSeed, audit_names: namesKey, audit_signing: signingKey } = this.#open().keys;
    return { macSeed: copyOf(macSeed), namesKey: copyOf(namesKey), signingKey: copyOf(signingKey) };
  }

  #open(): Session {
    if (this.#session === undefined) throw lockedFailure();
    return this.#session;
  }

  /** Takes ownership of the key. */
  #admit(vaultKey: Buffer): void {
    const derived = deriveKeys(this.#store.readHeader(), vaultKey);
    try {
      const records = new Records(this.#store, derived, this.#random);
      const collections = new Collections(records, this.#now);
      this.#session = {
        vaultKey,
        keys: derived,
        records,
        environments: new Environments(records),
        agents: new Agents(records),
        settings: new Settings(records),
        heldOutput: new HeldOutput(records),
        mounts: new Mounts(records),
        collections,
        items: new Items(records, collections, this.#now),
      };
    } catch (error) {
      wipeKeys(derived);
      vaultKey.fill(0);
      throw error;
    }
  }
}

function lockedFailure(): Failure {
  return new Failure('vault/locked', 'the vault is locked');
}

function copyOf(key: Buffer): Secret {
  return new Secret(Buffer.from(key));
}
