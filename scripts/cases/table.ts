// The table itself: a row for each way, with what each tool leaves of the five secrets in words, and the sums.

import { markdownTable } from '../../src/doors/cli/help.ts';
import { VERDICTS, judge, type Verdict } from './judge.ts';
import type { Printed } from './reading.ts';
import { SHAPES } from './shapes.ts';
import { TOOLS, keyOf, type CaseKey, type Tool } from './stage.ts';
import { missingFor, type Way } from './way.ts';
import type { Group } from './ways.ts';

/** What stands where a program is missing: never a guess. */
export const NOT_MEASURED = 'not measured here';

export type Outputs = ReadonlyMap<Tool, ReadonlyMap<CaseKey, Printed>>;

/** What one tool leaves of one secret printed in one way, in one write and in two. */
interface Cell {
  readonly shape: string;
  readonly isCut: boolean;
  readonly verdict: Verdict;
}

const TITLES: Readonly<Record<Tool, string>> = {
  run: '`keystile run`',
  agent: "an agent's run",
  varlock: 'varlock',
  dotenvx: 'dotenvx',
  nothing: 'no tool',
};

export function cellsOf(way: Way, tool: Tool, outputs: Outputs): Cell[] {
  return SHAPES.flatMap((shape) =>
    [false, true].map((isCut) => {
      const printed = outputs.get(tool)?.get(keyOf(way, shape.name, isCut));
      if (printed === undefined) throw new Error(`${TITLES[tool]} printed nothing of ${way.name}`);
      return { shape: shape.name, isCut, verdict: judge(printed, shape, way.reads) };
    }),
  );
}

/** What most of the cases come to, and then those that come to something else: `masked; whole: PEM, token cut`. */
export function inWords(cells: readonly Cell[]): string {
  const groups = VERDICTS.map((verdict) => [verdict, cells.filter((cell) => cell.verdict === verdict)] as const);
  const [first, ...others] = groups.filter(([, all]) => all.length > 0).toSorted((a, b) => b[1].length - a[1].length);
  return [first?.[0], ...others.map(([verdict, all]) => `${verdict}: ${placesOf(all)}`)].join('; ');
}

function placesOf(cells: readonly Cell[]): string {
  const shapes = [...new Set(cells.map(({ shape }) => shape))];
  const places = shapes.map((shape) => {
    const cuts = cells.filter((cell) => cell.shape === shape).map(({ isCut }) => isCut);
    return cuts.length === 2 ? shape : `${shape} ${cuts[0] === true ? 'cut' : 'in one write'}`;
  });
  return places.join(', ');
}

/** The rows of a group: the way, then each tool. */
export function rowsOf(ways: readonly Way[], tools: readonly Tool[], outputs: Outputs): string[][] {
  return ways.map((way) => [
    wayTitle(way),
    ...tools.map((tool) => (missingFor(way).length > 0 ? NOT_MEASURED : inWords(cellsOf(way, tool, outputs)))),
  ]);
}

export function wayTitle({ name }: Way): string {
  return name.replaceAll('|', '\\|');
}

export const SHOWN_TOOLS = TOOLS.filter((tool) => tool !== 'nothing');

export function documentOf(groups: readonly Group[], outputs: Outputs): string {
  const head = ['way', ...SHOWN_TOOLS.map((tool) => TITLES[tool])];
  const tables = groups.map(
    ({ title, ways }) => `### ${title}\n\n${markdownTable([head, ...rowsOf(ways, SHOWN_TOOLS, outputs)])}`,
  );
  const measured = groups.flatMap(({ ways }) => ways).filter((way) => missingFor(way).length === 0);
  return [`${measured.length} ways.`, sumsByTool(measured, outputs), sumsByShape(measured, outputs), ...tables].join(
    '\n\n',
  );
}

function sumsByTool(ways: readonly Way[], outputs: Outputs): string {
  const rows = TOOLS.map((tool) => {
    const cells = ways.flatMap((way) => cellsOf(way, tool, outputs));
    return [TITLES[tool], ...VERDICTS.map((verdict) => String(countOf(cells, verdict)))];
  });
  return markdownTable([['cases', 'masked', 'window left', 'whole'], ...rows]);
}

function sumsByShape(ways: readonly Way[], outputs: Outputs): string {
  const rows = SHOWN_TOOLS.map((tool) => {
    const cells = ways.flatMap((way) => cellsOf(way, tool, outputs));
    const sums = SHAPES.map(({ name }) => {
      const own = cells.filter(({ shape }) => shape === name);
      return `${countOf(own, 'masked')} of ${own.length}`;
    });
    return [TITLES[tool], ...sums];
  });
  return markdownTable([['masked', ...SHAPES.map(({ name }) => name)], ...rows]);
}

function countOf(cells: readonly Cell[], verdict: Verdict): number {
  return cells.filter((cell) => cell.verdict === verdict).length;
}

/** Cases that say nothing, because the secret is not even read where nobody masks it. */
export function blindIn(ways: readonly Way[], outputs: Outputs): string[] {
  return ways
    .filter((way) => missingFor(way).length === 0)
    .map((way) => [way.name, inWords(cellsOf(way, 'nothing', outputs))] as const)
    .filter(([, words]) => words.includes('masked'))
    .map(([name, words]) => `${name}: ${words} though nobody masks`);
}

/** Where another tool leaves less than `keystile run`: one line for each way, with both in words. */
export function betterElsewhere(ways: readonly Way[], outputs: Outputs): string[] {
  const measured = ways.filter((way) => missingFor(way).length === 0);
  return measured.flatMap((way) => {
    const ours = cellsOf(way, 'run', outputs);
    return (['varlock', 'dotenvx'] as const).flatMap((tool) => {
      const places = cellsOf(way, tool, outputs).flatMap(({ shape, isCut, verdict }, i) => {
        const own = ours[i]?.verdict ?? 'whole';
        const isLess = VERDICTS.indexOf(verdict) < VERDICTS.indexOf(own);
        return isLess ? [`${shape}${isCut ? ' cut' : ''} ${verdict} and not ${own}`] : [];
      });
      return places.length === 0 ? [] : [`${way.name}: ${tool} leaves ${places.join(', ')}`];
    });
  });
}
