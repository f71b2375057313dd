// The values of one job in the clear, for as long as somebody needs them.

import { unpad } from '../core/padding.ts';
import { applyForm } from '../core/value-form.ts';
import { openXaes } from '../core/xaes.ts';
import type { OpenValue } from './environment.ts';
import type { RunJob } from './job.ts';

export class OpenValues implements Disposable {
  readonly #all: OpenValue[] = [];

  /** Keys are wiped as soon as they were used; when one value cannot be opened, so are those that were. */
  static async of(variables: RunJob['variables']): Promise<OpenValues> {
    const values = new OpenValues();
    try {
      for (const variable of variables) values.#all.push(await opened(variable));
      return values;
    } catch (error) {
      values.wipe();
      throw error;
    }
  }

  get all(): readonly OpenValue[] {
    return this.#all;
  }

  wipe(): void {
    for (const { value } of this.#all) value.fill(0);
  }

  [Symbol.dispose](): void {
    this.wipe();
  }
}

async function opened({ name, key, nonce, sealed, aad, form }: RunJob['variables'][number]): Promise<OpenValue> {
  const padded = openXaes(key, nonce, sealed, aad);
  key.fill(0);
  try {
    return { name, value: await applyForm(unpad(padded), form, Date.now()) };
  } finally {
    padded.fill(0);
  }
}
