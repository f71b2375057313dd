// The human of the readers table: sees requests with `keystile requests`, and answers each with `keystile approve` or
// `keystile deny`. How often was asked is taken from the audit log, which also has the questions nobody waited for.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Place, Stage } from './stage.ts';

export type Answer = 'yes' | 'no';

interface Waiting {
  readonly requestId: string;
  readonly cwd?: string;
  readonly path?: string;
}
interface Recorded {
  readonly seq: number;
  readonly event: string;
  readonly names?: { readonly path?: string; readonly cwd?: string };
}

/** A breath between two looks, each of which starts a program. */
const PAUSE_MS = 20;

/**
 * Answers whatever is asked about that file until `work` is done; returns what came of it, and how often was asked. Other
 * programs of the machine may look into every file, so only those started in the folder of the file count.
 */
export async function answering<T>(
  stage: Stage,
  place: Place,
  answer: Answer,
  work: () => Promise<T>,
): Promise<[T, number]> {
  const before = (await events(stage, ['--limit', '1'])).at(-1)?.seq ?? 0;
  const end = new AbortController();
  const answers = answerUntil(stage, place, answer, end.signal);
  const result = await work().finally(() => end.abort());
  await answers;
  const after = await events(stage, ['--from', String(before + 1), '--limit', '10000']);
  const asked = after.filter(({ event, names }) => {
    return event === 'requested' && names?.path === place.path && names.cwd === place.folder;
  });
  return [result, asked.length];
}

/** A no is remembered until lock; the next program of the table is another case. */
export async function forgetAnswers(stage: Stage, place: Place): Promise<void> {
  await stage.house.ok(['mounts', '--ask-again', place.path]);
  await stage.house.ok(['revoke', '--all']);
}

async function answerUntil(stage: Stage, place: Place, answer: Answer, end: AbortSignal): Promise<void> {
  const { house } = stage;
  while (!end.aborted) {
    const { requests } = await house.json<{ requests: Waiting[] }>(['requests']);
    const mine = requests.filter(({ path, cwd }) => path === place.path && cwd === place.folder);
    for (const { requestId } of mine) {
      const args =
        answer === 'yes' ? await house.human(['approve', requestId]) : await house.keystile(['deny', requestId]);
      // Whoever asked may have gone meanwhile.
      assert.ok(args.code === 0 || /no longer waiting|has ended|no such request/.test(args.stderr), args.stderr);
    }
    await delay(PAUSE_MS);
  }
}

async function events(stage: Stage, args: readonly string[]): Promise<readonly Recorded[]> {
  return (await stage.house.json<{ events: Recorded[] }>(['audit', 'list', ...args])).events;
}
