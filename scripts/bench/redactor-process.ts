// The redactor alone, in a process of its own: a kind of text, and how many secrets. Prints a Speed (masking.ts).

import { NeedleSet, Redactor } from '../../src/core/redactor/redactor.ts';
import type { Speed } from './masking.ts';
import { secretsOf, TEXTS, type TextKind } from './texts.ts';

const CHUNK_BYTES = 64 * 1024;
const BYTES = 128 * 1024 * 1024;
const WARM_UP_BYTES = 32 * 1024 * 1024;
/** Different chunks, so that no branch is learned by heart. */
const CHUNKS = 16;

const [, , kind = '', count = ''] = process.argv;
const values = Object.entries(secretsOf(Number(count)));
const sources = values.map(([name, value]) => ({ name, value: Buffer.from(value) }));
const startedAt = performance.now();
const needles = NeedleSet.compile(sources);
const compileMs = performance.now() - startedAt;
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- given by masking.ts
const textOf = TEXTS[kind as TextKind];
const text = textOf(
  CHUNK_BYTES * CHUNKS,
  values.map(([, value]) => value),
);
const chunks = Array.from({ length: CHUNKS }, (_none, i) => text.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES));
const redactor = new Redactor(needles);
push(WARM_UP_BYTES);
const measured: Speed = { speed: push(BYTES), compileMs };
redactor.end();
if (redactor.redactions.length > 0) throw new Error(`something was masked in ${kind}: it is not what is measured`);
process.stdout.write(JSON.stringify(measured));

/** GB/s. */
function push(bytes: number): number {
  const from = performance.now();
  for (let done = 0; done < bytes; done += text.length) for (const chunk of chunks) redactor.push(chunk);
  return bytes / 1e6 / (performance.now() - from);
}
