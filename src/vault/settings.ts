// Small texts the daemon keeps sealed, by name.

import { Failure } from '../core/failure.ts';
import type { Records } from './records.ts';

const SETTINGS_MAX = 100;
const SETTING_BYTES_MAX = 64 * 1024;

export class Settings {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  get(name: string): string | undefined {
    const record = this.#records.find('setting', '', name);
    return record && this.#records.openJson<{ text: string }>(record).text;
  }

  /** Throws `input/too_large` past 64 KiB, `vault/limit` past 100 settings. */
  set(name: string, text: string): void {
    if (Buffer.byteLength(text) > SETTING_BYTES_MAX) {
      throw new Failure('input/too_large', `a setting has at most ${SETTING_BYTES_MAX} bytes`, { field: name });
    }
    this.#records.transaction(() => {
      const known = this.#records.find('setting', '', name);
      if (known === undefined && this.#records.count('setting', '') >= SETTINGS_MAX) {
        throw new Failure('vault/limit', `a vault holds at most ${SETTINGS_MAX} settings`);
      }
      this.#records.putJson({ type: 'setting', id: known?.id ?? this.#records.hiddenId(), parent: '', name }, { text });
    });
  }
}
