// Masked output that waits for the human: sealed in the vault, and known here by the run it is of. It is bounded in size
// and count (vault/held-output.ts) and in time, and does not outlive the lock: nobody could release it any more.

import type { Masked } from '../authority/powers.ts';
import { Failure } from '../core/failure.ts';
import type { Request } from '../core/request.ts';
import { HELD_OUTPUTS_MAX } from '../vault/held-output.ts';
import type { Vault } from '../vault/vault.ts';
import type { HeldView } from '../wire/views.ts';
import { runView } from './views.ts';

/** A working day, as the vault stays open for one. */
const HELD_MINUTES_MAX = 480;
const LENGTH_BYTES = 4;

interface Held extends Pick<Masked, 'redactions' | 'unmaskable'> {
  readonly view: HeldView;
  /** On the monotonic clock, in ms. */
  readonly until: number;
}

export class HeldOutputs {
  /** By run, the oldest first. */
  readonly #held = new Map<string, Held>();

  /** Takes over from a vault that was just unlocked: what a daemon that was killed left there is dropped. */
  begin(vault: Vault): void {
    this.#held.clear();
    vault.dropHeldOutputs();
  }

  /** Throws what the vault says. */
  hold(vault: Vault, runId: string, request: Request, masked: Masked, nowMs: number): HeldView {
    const { stdout, stderr, redactions, unmaskable } = masked;
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(stdout.length);
    const bytes = Buffer.concat([length, stdout, stderr]);
    try {
      vault.holdOutput(runId, bytes);
    } finally {
      bytes.fill(0);
    }
    const view = { ...runView(request, runId), bytes: stdout.length + stderr.length };
    this.#held.set(runId, { view, redactions, unmaskable, until: nowMs + HELD_MINUTES_MAX * 60_000 });
    // As many as the vault keeps.
    const [oldest] = this.#held.keys();
    if (this.#held.size > HELD_OUTPUTS_MAX && oldest !== undefined) this.#held.delete(oldest);
    return view;
  }

  get all(): HeldView[] {
    return [...this.#held.values()].map(({ view }) => view);
  }

  /** Throws `run/nothing_held`. */
  read(vault: Vault, runId: string): Masked {
    const held = this.#held.get(runId);
    if (held === undefined) throw new Failure('run/nothing_held', 'no output of that run is kept');
    using secret = vault.heldOutput(runId);
    const bytes = Buffer.from(secret.reveal());
    const end = LENGTH_BYTES + bytes.readUInt32BE(0);
    const { redactions, unmaskable } = held;
    return { stdout: bytes.subarray(LENGTH_BYTES, end), stderr: bytes.subarray(end), redactions, unmaskable };
  }

  drop(vault: Vault, runId: string): void {
    this.#held.delete(runId);
    vault.dropHeldOutput(runId);
  }

  dropOld(vault: Vault, nowMs: number): void {
    for (const [runId, { until }] of this.#held) if (until <= nowMs) this.drop(vault, runId);
  }
}
