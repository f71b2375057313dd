// What reading a mounted file costs, beside a plain one, with few and many processes around, and what 100 mounts cost
// while nobody reads. Run by hand: `node test/programs/file-bench.ts [reads]`. Prints one line a figure.

import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AS, FileHouse } from './file-house.ts';

const READS = Number(process.argv[2] ?? 200);
const MANY = 600;
const MOUNTS = 100;
const IDLE_MS = 20_000;

const READER = `const [, path, reads, gap] = process.argv;
const { openSync, readFileSync, closeSync } = require('fs');
const times = [];
const read = () => {
  const from = performance.now();
  const fd = openSync(path); const { length } = readFileSync(fd); closeSync(fd);
  times.push(performance.now() - from);
  if (length !== 1024) process.exit(3);
  if (times.length < Number(reads)) setTimeout(read, Number(gap)); else {
    times.sort((a, b) => a - b);
    console.log('p50 ' + times[Math.floor(times.length * 0.5)].toFixed(2) + ' ms, p99 ' + times[Math.floor(times.length * 0.99)].toFixed(2) + ' ms');
  }
};
read();`;

function processes(): number {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length;
}

async function measure(house: FileHouse): Promise<void> {
  const plain = join(house.project, 'plain');
  writeFileSync(plain, house.content);
  for (const [what, path] of [
    ['plain', plain],
    ['mounted', house.env],
  ] as const) {
    for (const gap of ['60', '0']) {
      const { out, code } = await house.run(process.execPath, '-e', READER, path, String(READS), gap);
      process.stdout.write(
        `${processes()} processes, ${gap} ms apart, ${what}: ${code === 0 ? out.toString().trim() : `failed (${code})`}\n`,
      );
    }
  }
}

{
  await using house = await FileHouse.open();
  await measure(house);
  const crowd = Array.from({ length: Math.max(0, MANY - processes()) }, () =>
    spawn('sleep', ['1000'], { stdio: 'ignore', ...AS }),
  );
  await measure(house);
  for (const child of crowd) child.kill();
}
{
  await using house = await FileHouse.open();
  for (let number = 1; number < MOUNTS; number += 1) await house.tell(`mount ${join(house.project, `${number}.env`)}`);
  const from = (await house.tell('stats')) as { readonly cpuMs: number };
  await delay(IDLE_MS);
  const to = (await house.tell('stats')) as { readonly cpuMs: number };
  process.stdout.write(
    `${MOUNTS} mounts, nobody reads: ${(((to.cpuMs - from.cpuMs) / IDLE_MS) * 100).toFixed(3)} % of a processor\n`,
  );
}
