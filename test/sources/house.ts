// What the tests of sources share: a folder of the human's, powers that point there, and references.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure, type FailureCode } from '../../src/core/failure.ts';
import { parseReference } from '../../src/core/reference.ts';
import { parseSettings } from '../../src/machine/settings.ts';
import { openSource, type Source, type SourcePowers } from '../../src/sources/source.ts';
import { assertNoCanary } from '../canaries.ts';

export class SourceHouse implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'ks-'));
  readonly bin = join(this.root, 'bin');

  constructor() {
    mkdirSync(this.bin);
  }

  get powers(): SourcePowers {
    return { searchPath: [this.bin, '/usr/bin', '/bin'], home: this.root, user: 'somebody' };
  }

  /** A program of that name, first on the search path. */
  program(name: string, script: string): string {
    const path = join(this.bin, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return path;
  }

  /** As config.toml has it, below `[sources.team]`. */
  source(toml: string, waitMs?: number): Source {
    const settings = parseSettings(`[sources.team]\n${toml}`).sources.get('team');
    if (settings === undefined) throw new Error('no such source');
    return openSource(settings, this.powers, waitMs);
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }
}

const never = new AbortController().signal;

/** The value as text; the coat is off here only. */
export async function valueOf(source: Source, reference: string, signal: AbortSignal = never): Promise<string> {
  using value = await source.read(parseReference(reference), signal);
  return value.reveal().toString('utf8');
}

export async function valuesOf(source: Source, references: readonly string[]): Promise<string[]> {
  const values = await source.readAll(
    references.map((text) => parseReference(text)),
    never,
  );
  return values.map((value) => value.reveal().toString('utf8'));
}

/** For `assert.rejects`: a Failure of that code whose every word is free of the canaries, the cause included. */
export function fails(code: FailureCode, canaries: readonly string[], says?: RegExp) {
  return (error: unknown): boolean => {
    if (!(error instanceof Failure)) return false;
    const words = [JSON.stringify(error.toDocument()), String(error.stack), String(error.cause)].join('\n');
    assertNoCanary(words, canaries, 'the failure');
    if (says !== undefined && !says.test(`${error.message}; ${error.hint}`)) throw error;
    return error.code === code;
  };
}
