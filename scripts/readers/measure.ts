// One program on one back end: run with a human who says yes, or no, and judged. What must never be is a fault, and ends
// the table with an error: a value that arrives changed, one that arrives after a no, a program that hangs, a canary in
// what a program prints that was refused.

import { assertNoCanary } from '../../test/canaries.ts';
import { has } from '../../test/house.ts';
import type { ReaderCase } from './cases.ts';
import { answering, forgetAnswers, type Answer } from './human.ts';
import type { LookerCase } from './lookers.ts';
import type { Ended, Place, Stage } from './stage.ts';

/** What stands in one place of a table, and what is wrong with it. */
export interface Cell {
  readonly text: string;
  readonly faults: readonly string[];
}

/** Why a program cannot be asked here; null when it can. */
export function whyAbsent({ needs, absent }: Pick<ReaderCase, 'needs' | 'absent'>): string | null {
  const missing = needs.find((program) => !has(program));
  return absent ?? (missing === undefined ? null : `no ${missing}`);
}

/** A reader whom the human lets in: what of the file arrives in it. */
export async function measureYes(stage: Stage, place: Place, reader: ReaderCase): Promise<Cell> {
  const [ended, prompts] = await runReader(stage, place, reader, 'yes');
  const arrived = reader.arrived(ended, place);
  const leftOut = await stage.leftOut();
  const expected = stage.values.filter(({ name }) => !leftOut.includes(name));
  const missing = expected.filter(({ name }) => !arrived.has(name)).map(({ name }) => `\`${name}\``);
  const isNothing = missing.length === expected.length;
  const what = isNothing ? seenBy(ended) : missing.length === 0 ? 'all' : `all but ${missing.join(' ')}`;
  const changed = expected.filter(({ name, value }) => arrived.get(name)?.equals(value) === false);
  const faults = [
    ...changed.map(({ name }) => `${name} arrives changed`),
    ...leftOut.filter((name) => arrived.has(name)).map((name) => `${name} is left out, and arrives`),
    ...hanging(ended),
  ];
  return { text: [what, ...oftenAsked(prompts, 1)].join(', '), faults };
}

/** A reader whom the human refuses: what it sees of that. */
export async function measureNo(stage: Stage, place: Place, reader: ReaderCase): Promise<Cell> {
  const [ended, prompts] = await runReader(stage, place, reader, 'no');
  const arrived = reader.arrived(ended, place);
  const got = stage.values.filter(({ name, value }) => arrived.has(name) && value.length > 0);
  const faults = [...got.map(({ name }) => `${name} arrives after a no`), ...hanging(ended), ...leaks(stage, ended)];
  return { text: [seenBy(ended), ...oftenAsked(prompts, 1)].join(', '), faults };
}

/** A program that meets the file on its way. If it asks, the answer is no. */
export async function measureLooker(stage: Stage, place: Place, looker: LookerCase): Promise<Cell> {
  const { argv, mayAsk, after, outcome } = looker;
  const [ended, prompts] = await answering(stage, place, 'no', async () => await stage.run(argv, place.folder));
  await forgetAnswers(stage, place);
  if (after !== undefined) await stage.run(after, place.folder);
  const faults = [
    ...hanging(ended),
    ...leaks(stage, ended),
    ...(prompts > 0 && !mayAsk ? [`asks ${prompts} times`] : []),
  ];
  return { text: [outcome(ended), ...oftenAsked(prompts, 0)].join(', '), faults };
}

async function runReader(stage: Stage, place: Place, reader: ReaderCase, answer: Answer): Promise<[Ended, number]> {
  const { before, argv } = reader;
  if (before !== undefined) await stage.run(before, place.folder);
  const run = await answering(stage, place, answer, async () => await stage.run(argv(stage), place.folder));
  await forgetAnswers(stage, place);
  return run;
}

/** How a program takes it that it gets nothing. */
function seenBy({ code, stderr, isHung }: Ended): string {
  if (isHung) return 'HANGS';
  const isRefused = /EACCES|permission denied|cannot open/i.test(stderr);
  const words = isRefused ? 'permission denied' : stderr.trim() === '' ? 'empty' : 'empty, an error';
  return `${words}, exit ${code ?? 'by a signal'}`;
}

function oftenAsked(prompts: number, usually: number): string[] {
  if (prompts === usually) return [];
  return [prompts === 0 ? 'asks nobody' : prompts === 1 ? 'asks once' : `asks ${prompts} times`];
}

function hanging({ isHung }: Ended): string[] {
  return isHung ? ['hangs'] : [];
}

function leaks({ values }: Stage, { stdout, stderr }: Ended): string[] {
  try {
    const canaries = values.flatMap(({ canary }) => canary ?? []);
    for (const bytes of [stdout, stderr]) assertNoCanary(bytes, canaries);
    return [];
  } catch (error) {
    return [String(error)];
  }
}
