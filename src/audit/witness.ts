// What the log can do only while the vault is unlocked: keep and show names, and sign checkpoints over a tree of its
// own. It holds the keys, and wipes them.

import { performance } from 'node:perf_hooks';
import type { AuditEvent, EventNames } from '../core/event.ts';
import { Failure } from '../core/failure.ts';
import { NONCE_BYTES } from '../core/xaes.ts';
import { Checkpoints } from './checkpoints.ts';
import { namesBytes, parseNames } from './entry.ts';
import { openNames, publicLine, Ratchet, sealNames } from './keys.ts';
import type { AuditKeys } from './keys.ts';
import { CompactTree } from './tree.ts';

const CHECKPOINT_EVENTS = 100;
const CHECKPOINT_MS = 5 * 60 * 1000;

export interface WitnessOptions {
  readonly folder: string;
  readonly random: (bytes: number) => Buffer;
  /** All acknowledged lines of the log, without newlines. */
  readonly lines: () => Iterable<Buffer>;
}

export class Witness {
  readonly #o: WitnessOptions;
  readonly #checkpoints: Checkpoints;
  #keys: AuditKeys | null = null;
  /** Of all acknowledged lines; null when it has to be made from the files. */
  #tree: CompactTree | null = null;
  #size = 0;
  #checkedAt = 0;
  #failure: Failure | null = null;

  constructor(options: WitnessOptions) {
    this.#o = options;
    this.#checkpoints = new Checkpoints(options.folder);
  }

  /** Entries under the last checkpoint. */
  get size(): number {
    return this.#size;
  }

  /** Why the last checkpoint was not written; null when it was. */
  get failure(): Failure | null {
    return this.#failure;
  }

  get keys(): AuditKeys | null {
    return this.#keys;
  }

  /** Takes ownership of the keys, and compares the log with its last checkpoint. Gives back what has to be recorded. */
  unlock(keys: AuditKeys): AuditEvent[] {
    this.wipe();
    this.#keys = keys;
    this.#checkedAt = performance.now();
    const findings: AuditEvent[] = [];
    this.#guard(() => {
      this.#checkpoints.publish(keys);
      const last = this.#checkpoints.last(keys);
      const { tree, root } = this.#readTree(last?.size ?? 0);
      this.#tree = tree;
      this.#size = Math.min(last?.size ?? 0, tree.size);
      if (last === null) return;
      if (last.size > tree.size) findings.push(damaged('truncated', last.size - tree.size));
      else if (!last.isOurs || last.root !== root) findings.push(damaged('checkpoint', last.size));
    });
    return findings;
  }

  /** The MAC key of event `seq`, when there is a seed to make it from. */
  ratchetAt(seq: number): Ratchet | null {
    return this.#keys === null ? null : Ratchet.fromSeed(this.#keys.macSeed, this.#keys.vaultId, seq);
  }

  /** The names as they are stored, or undefined while locked. */
  seal(seq: number, names: EventNames): string | undefined {
    return this.#keys === null ? undefined : sealNames(this.#keys, seq, namesBytes(names), this.#o.random(NONCE_BYTES));
  }

  /** Names for people. What does not open is left out; `audit verify` is who says that it was changed. */
  open(seq: number, sealed: string): EventNames | undefined {
    if (this.#keys === null) return undefined;
    try {
      return parseNames(openNames(this.#keys, seq, sealed));
    } catch {
      return undefined;
    }
  }

  /** These lines (with their newlines) are acknowledged now. */
  add(lines: Iterable<string>): void {
    const tree = this.#tree;
    if (tree === null) return;
    for (const line of lines) tree.add(Buffer.from(line.slice(0, -1)));
    if (tree.size - this.#size >= CHECKPOINT_EVENTS) this.checkpoint();
  }

  /** The files were changed by somebody else: what is known of them does not count. */
  forget(): void {
    this.#tree = null;
  }

  /** Signs the checkpoint that is due after five minutes. */
  tick(): void {
    if (performance.now() - this.#checkedAt >= CHECKPOINT_MS) this.checkpoint();
  }

  /** Signs a checkpoint of all that is acknowledged, unless there is one. */
  checkpoint(): void {
    const keys = this.#keys;
    if (keys === null) return;
    this.#checkedAt = performance.now();
    this.#guard(() => {
      this.#tree ??= this.#readTree(0).tree;
      if (this.#tree.size === this.#size || this.#tree.size === 0) return;
      this.#checkpoints.add(keys, this.#tree);
      this.#size = this.#tree.size;
    });
  }

  /** The verifier key of the checkpoints, or null while locked. */
  get publicKey(): string | null {
    return this.#keys === null ? null : publicLine(this.#keys);
  }

  wipe(): void {
    this.#keys?.macSeed.wipe();
    this.#keys?.namesKey.wipe();
    this.#keys?.signingKey.wipe();
    this.#keys = null;
    this.#tree = null;
  }

  /** The tree of all acknowledged lines, and the root (base64) it had at `size`. */
  #readTree(size: number): { tree: CompactTree; root: string } {
    const tree = new CompactTree();
    let root = tree.root();
    for (const line of this.#o.lines()) {
      tree.add(line);
      if (tree.size === size) root = tree.root();
    }
    return { tree, root: root.toString('base64') };
  }

  /** A checkpoint that cannot be written stops nothing: the events it would cover are in the log. Status shows it. */
  #guard(act: () => void): void {
    try {
      act();
      this.#failure = null;
    } catch (error) {
      this.#failure = Failure.from(error);
    }
  }
}

function damaged(why: string, count: number): AuditEvent {
  return { event: 'audit_damaged', facts: { why, count } };
}
