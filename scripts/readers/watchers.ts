// Programs that watch a project while its mounted file is read: what they see of that, and whether they take a reading for
// a change.

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../test/house.ts';
import { answering, forgetAnswers } from './human.ts';
import type { Cell } from './measure.ts';
import type { Place, Stage, Started } from './stage.ts';

export interface WatcherCase {
  readonly command: string;
  readonly measure: (stage: Stage, place: Place) => Promise<Cell>;
}

export const WATCHERS: readonly WatcherCase[] = [
  { command: "chokidar.watch('.')", measure: async (stage, place) => await countEvents(stage, place, 'chokidar.mjs') },
  { command: "fs.watch('.')", measure: async (stage, place) => await countEvents(stage, place, 'watch.mjs') },
  { command: 'node --watch --env-file=.env watched.mjs', measure: watchRuns },
];

const READS = 3;

/** The human says yes to every `cat`. */
async function countEvents(stage: Stage, place: Place, script: string): Promise<Cell> {
  const end = join(place.folder, 'end');
  const [ended, prompts] = await answering(stage, place, 'yes', async () => {
    const watcher = stage.start([stage.node, script], place.folder);
    await untilPrinted(watcher, 'ready');
    for (let reads = 0; reads < READS; reads += 1) await stage.run(['cat', '.env'], place.folder);
    writeFileSync(end, '');
    return await watcher.ended;
  });
  rmSync(end);
  await forgetAnswers(stage, place);
  const events = /^(\d+) events$/m.exec(ended.stdout.toString('latin1'))?.[1];
  const faults = [
    ...(events === undefined ? [`does not end as it should: ${ended.stderr}`] : []),
    ...(prompts === READS ? [] : [`asks ${prompts} times for ${READS} readers`]),
  ];
  return { text: `${events ?? 'no'} events for ${READS} readings`, faults };
}

/** After the first start only the script is changed: whatever else makes it start again is a reading of `.env`. */
async function watchRuns(stage: Stage, place: Place): Promise<Cell> {
  const script = join(place.folder, 'watched.mjs');
  const write = (word: string): void => writeFileSync(script, `console.log('${word}');\n`);
  write('first');
  const [printed] = await answering(stage, place, 'yes', async () => {
    const watcher = stage.start([stage.node, '--watch', '--env-file=.env', 'watched.mjs'], place.folder);
    await untilPrinted(watcher, 'first');
    write('second');
    await untilPrinted(watcher, 'second');
    watcher.kill();
    return (await watcher.ended).stdout.toString('latin1');
  });
  rmSync(script);
  await forgetAnswers(stage, place);
  assert.match(printed, /Restarting/);
  return {
    text: /Change detected in '.*\.env'/.test(printed) ? 'starts again and again' : 'keeps running',
    faults: [],
  };
}

async function untilPrinted(program: Started, word: string): Promise<void> {
  await eventually(() => (program.printed().includes(word) ? true : undefined), `a program to print ${word}`);
}
