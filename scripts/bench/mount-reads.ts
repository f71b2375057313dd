// How long a reader of a mounted file waits, beside one of a plain file with the same bytes, in turns.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Row, limited, median, ms, progress, quantile, spread, told } from './figures.ts';
import { processCount } from './crowd.ts';
import type { MountHouse } from './mount-house.ts';

const READER = fileURLToPath(new URL('mount-reader.mjs', import.meta.url));
const READINGS = 300;
/** Between two readings: a server reads when something changed. */
const PAUSE_MS = 5;
const FRESH_PROCESSES = 40;
/** Median of a reading, while there are no more processes on the machine than this. A regular file has no target: it is the last resort. */
const PROCESSES_MAX = 200;
const P50_MS: Readonly<Record<string, number>> = { fuse: 2, fifo: 10 };

export class Readers {
  readonly #house: MountHouse;
  readonly #plain: string;

  private constructor(house: MountHouse, plain: string) {
    this.#house = house;
    this.#plain = plain;
  }

  /** Writes the plain file, and has both programs that read approved for the rest of the time. */
  static async of(mounts: MountHouse): Promise<Readers> {
    const { house, path } = mounts;
    const plain = join(house.project, 'plain.env');
    const first = house.run('cat', [path]);
    await house.approve('--for', '1h');
    const { stdout } = await first;
    if (stdout === '') throw new Error('an approved reader got nothing');
    writeFileSync(plain, stdout, { mode: 0o600 });
    const readers = new Readers(mounts, plain);
    const again = readers.#again(1);
    await house.approve('--for', '1h');
    await again;
    return readers;
  }

  async measure(): Promise<Row[]> {
    const { backend } = this.#house;
    const count = processCount();
    progress(`${backend}: reading, ${count} processes`);
    const again = await this.#again(READINGS);
    const fresh = { mounted: [] as number[], plain: [] as number[] };
    for (let i = -2; i < FRESH_PROCESSES; i += 1) {
      const [mounted, plain] = [await this.#cat(this.#house.path), await this.#cat(this.#plain)];
      if (i < 0) continue;
      fresh.mounted.push(mounted);
      fresh.plain.push(plain);
    }
    const where = `${backend}, ${count} processes`;
    const most = count <= PROCESSES_MAX ? P50_MS[String(backend)] : undefined;
    return [
      limitedOrTold(`${where}: the same process reads again, p50`, median(again.mounted), most, besideOf(again)),
      limitedOrTold(
        `${where}: a fresh process reads (\`cat\`), p50 over that of a plain file`,
        median(fresh.mounted) - median(fresh.plain),
        most,
        besideOf(fresh),
      ),
    ];
  }

  async #again(count: number): Promise<Samples> {
    const args = [READER, this.#house.path, this.#plain];
    const order = JSON.stringify({ count, pauseMs: PAUSE_MS });
    const { code, stdout, stderr } = await this.#house.house.run(process.execPath, args, order);
    if (code !== 0) throw new Error(stderr);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the program is ours
    return JSON.parse(stdout) as Samples;
  }

  /** From the start of `cat` to its end. */
  async #cat(path: string): Promise<number> {
    const { project: cwd, env } = this.#house.house;
    const startedAt = performance.now();
    const child = spawn('cat', [path], { cwd, env, stdio: ['ignore', 'pipe', 'ignore'] });
    let bytes = 0;
    child.stdout.on('data', (chunk: Buffer) => (bytes += chunk.length));
    await once(child, 'close');
    if (bytes === 0) throw new Error('a reader got nothing');
    return performance.now() - startedAt;
  }
}

interface Samples {
  readonly mounted: readonly number[];
  readonly plain: readonly number[];
}

function limitedOrTold(what: string, value: number, most: number | undefined, beside: string): Row {
  return most === undefined ? told(what, ms(value), beside) : limited(what, value, most, 'ms', beside);
}

function besideOf({ mounted, plain }: Samples): string {
  const ratio = median(mounted) / median(plain);
  return `${spread(mounted)}; plain file ${spread(plain)}, ${quantile(plain, 0.5) > 0 ? ratio.toFixed(1) : '–'} ×`;
}
