// Numbers and the table they end in.

/** One line of the table. */
export interface Row {
  readonly what: string;
  /** Empty for what is told for information. */
  readonly target: string;
  readonly figure: string;
  /** Null without a target. */
  readonly isMet: boolean | null;
  /** The same thing done by others, in the same run. */
  readonly beside: string;
}

/** The value below which `share` (0 … 1) of the samples lie. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** Milliseconds, with as many places as mean something. */
export function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ms`;
}

export function spread(samples: readonly number[]): string {
  return `p50 ${ms(median(samples))}, p99 ${ms(quantile(samples, 0.99))}`;
}

/** A row with an upper limit on one number. */
export function limited(what: string, value: number, most: number, unit: string, beside = ''): Row {
  const figure = unit === 'ms' ? ms(value) : `${value.toFixed(unit === '×' ? 2 : 0)} ${unit}`;
  return { what, target: `≤ ${most} ${unit}`, figure, isMet: value <= most, beside };
}

/** A row with a lower limit, or with none, on one number. */
export function atLeast(what: string, value: number, least: number | null, unit: string, beside = ''): Row {
  const figure = `${value.toFixed(2)} ${unit}`;
  if (least === null) return told(what, figure, beside);
  return { what, target: `≥ ${least} ${unit}`, figure, isMet: value >= least, beside };
}

export function told(what: string, figure: string, beside = ''): Row {
  return { what, target: '', figure, isMet: null, beside };
}

/** A Markdown table, so that it can go into docs/bench.md as it is. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map(({ what, target, figure, isMet, beside }) => {
    return [what, target, figure, isMet === null ? '' : isMet ? 'met' : '**missed**', beside];
  });
  const all = [['what', 'target', 'figure', '', 'beside it, in the same run'], ...cells];
  const widths = all[0]?.map((_, i) => Math.max(3, ...all.map((row) => [...(row[i] ?? '')].length))) ?? [];
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - [...cell].length)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const [head = [], ...body] = all;
  return [line(head), rule, ...body.map((row) => line(row))].join('\n');
}

const startedAt = performance.now();

export function progress(text: string): void {
  process.stderr.write(`bench ${((performance.now() - startedAt) / 1000).toFixed(0).padStart(4)} s: ${text}\n`);
}
