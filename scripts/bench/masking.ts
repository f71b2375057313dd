// How fast output is masked: the redactor alone, and 256 MiB through `keystile run`, beside what others offer for that.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../../test/house.ts';
import { atLeast, median, ms, progress, type Row } from './figures.ts';
import { measurePipes } from './pipes.ts';
import { TEXTS, type TextKind } from './texts.ts';

const ROUNDS = 5;
const COUNTS = [1, 20, 200] as const;
/** GB/s of log text, by how many secrets there are. */
const TARGETS = { 1: null, 20: 1, 200: 0.5 } as const;

export async function measureMasking(): Promise<Row[]> {
  return [...measureRedactor(), ...(await measurePipes())];
}

/** A process for each figure: code that was compiled for one set of secrets is not as fast with the next. */
function measureRedactor(): Row[] {
  progress(`the redactor alone: ${ROUNDS} rounds, interleaved`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its own keys
  const kinds = (Object.keys(TEXTS) as TextKind[]).flatMap((text) =>
    COUNTS.map((count) => ({ text, count, taken: [] as Speed[] })),
  );
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { text, count, taken } of kinds) taken.push(speedOf(text, count));
  }
  return kinds.map(({ text, count, taken }) => {
    const speeds = taken.map(({ speed }) => speed);
    const spread = `${Math.min(...speeds).toFixed(2)} to ${Math.max(...speeds).toFixed(2)}`;
    const beside = `${spread}; the forms are made in ${ms(median(taken.map(({ compileMs }) => compileMs)))}`;
    const target = text === 'log text' ? TARGETS[count] : null;
    return atLeast(`redactor, ${text}, ${count} secrets`, median(speeds), target, 'GB/s', beside);
  });
}

/** What one fresh process measured. */
export interface Speed {
  /** GB/s. */
  readonly speed: number;
  readonly compileMs: number;
}

function speedOf(text: TextKind, count: number): Speed {
  const argv = [join(ROOT, 'scripts/bench/redactor-process.ts'), text, String(count)];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- printed by redactor-process.ts
  return JSON.parse(stdout) as Speed;
}
