// Masked output that was kept back from the agent (output mode `summary`), sealed until the human reads or releases it.

import { Failure } from '../core/failure.ts';
import { Secret } from '../core/secret.ts';
import type { Records } from './records.ts';
import type { StoredRecord } from './seal.ts';

export const HELD_OUTPUTS_MAX = 50;
export const HELD_OUTPUT_BYTES_MAX = 3 * 1024 * 1024;

export class HeldOutput {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  /** Keeps `bytes`, which the caller wipes. The oldest of more than 50 is dropped (I8). */
  hold(runId: string, bytes: Buffer): void {
    if (bytes.length > HELD_OUTPUT_BYTES_MAX) {
      throw new Failure('input/too_large', `at most ${HELD_OUTPUT_BYTES_MAX} bytes of output are kept`);
    }
    this.#records.transaction(() => {
      const id = this.#records.find('output', '', runId)?.id ?? this.#records.hiddenId();
      this.#records.put({ type: 'output', id, parent: '', name: runId }, bytes);
      if (this.#records.count('output', '') > HELD_OUTPUTS_MAX) this.#records.removeOldest('output', '');
    });
  }

  /** Throws `run/nothing_held`. */
  read(runId: string): Secret {
    return new Secret(this.#records.open(this.#record(runId)));
  }

  /** Reads it for the last time. Throws `run/nothing_held`. */
  release(runId: string): Secret {
    return this.#records.transaction(() => {
      const output = this.read(runId);
      this.drop(runId);
      return output;
    });
  }

  /** Throws `run/nothing_held`. */
  drop(runId: string): void {
    this.#records.remove(this.#record(runId));
  }

  /** All of it. */
  dropAll(): void {
    if (this.#records.count('output', '') === 0) return;
    this.#records.transaction(() => {
      while (this.#records.count('output', '') > 0) this.#records.removeOldest('output', '');
    });
  }

  #record(runId: string): StoredRecord {
    const record = this.#records.find('output', '', runId);
    if (record === undefined) throw new Failure('run/nothing_held', 'no output of that run is kept');
    return record;
  }
}
