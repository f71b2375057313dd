// What an input reaches in the redactor: the blocks that V8 counts, each with how often, roughly.

import { Session, type Profiler } from 'node:inspector';

const FOLDERS = ['/src/core/derived/', '/src/core/forms/', '/src/core/redactor/'];

export class Coverage implements Disposable {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  constructor() {
    this.#session.connect();
    // The session is in this process: it answers before the call is over.
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  get size(): number {
    return this.#seen.size;
  }

  /** Whether something was reached since the last call that never was before. */
  isNew(): boolean {
    const before = this.#seen.size;
    for (const { url, functions } of this.#take()) {
      if (!FOLDERS.some((folder) => url.includes(folder))) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count > 0) this.#seen.add(`${url}:${startOffset}-${endOffset}:${Math.floor(Math.log2(count))}`);
        }
      }
    }
    return this.#seen.size > before;
  }

  #take(): readonly Profiler.ScriptCoverage[] {
    let taken: readonly Profiler.ScriptCoverage[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) throw error;
      taken = result;
    });
    return taken;
  }

  [Symbol.dispose](): void {
    this.#session.disconnect();
  }
}
