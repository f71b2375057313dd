// Programs that watch a project while its mounted file is read three times: how many events do they see of it, and do
// they open it themselves?

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../test/house.ts';
import { answering, forgetAnswers } from './human.ts';
import type { Cell } from './measure.ts';
import type { Place, Stage } from './stage.ts';

export interface WatcherCase {
  readonly command: string;
  readonly script: string;
}

export const WATCHERS: readonly WatcherCase[] = [
  { command: 'chokidar.watch(".")', script: 'chokidar.mjs' },
  { command: 'fs.watch(".")', script: 'watch.mjs' },
];

const READS = 3;

/** The human says yes to every `cat`. */
export async function measureWatcher(stage: Stage, place: Place, { script }: WatcherCase): Promise<Cell> {
  const end = join(place.folder, 'end');
  const [ended, prompts] = await answering(stage, place, 'yes', async () => {
    const watcher = stage.start([stage.node, script], place.folder);
    await eventually(() => (watcher.printed().includes('ready') ? true : undefined), 'the watcher to be ready');
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
  return { text: `${events ?? 'no'} events`, faults };
}
