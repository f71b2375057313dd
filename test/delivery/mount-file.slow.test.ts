// Mounted files of the back end `file` under load: crowds, thieves, and thousands of reads. Figures are printed.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FileHouse, assertSame } from '../programs/file-house.ts';
import { eventually } from '../house.ts';

const PYTHON = '/usr/bin/python3';
const needsPython = fs.existsSync(PYTHON) ? false : 'needs python3';

for (const bytes of [1_024, 300_000]) {
  test(`a crowd of 200 programs at once reads ${bytes} bytes, five times, and each gets all of them`, async (t) => {
    await using house = await FileHouse.open({ bytes });
    const expected = house.content;
    let read = 0;
    for (let time = 0; time < 5; time += 1) {
      const out = join(house.project, `out-${time}`);
      const script = 'mkdir $1; for i in $(seq 200); do cat .env > $1/$i & done; wait';
      const { code, err } = await house.run('bash', '-c', script, 'bash', out);
      assert.deepEqual([code, err], [0, '']);
      for (const name of fs.readdirSync(out)) {
        assertSame(fs.readFileSync(join(out, name)), expected, name);
        read += 1;
      }
    }
    assert.equal(read, 1_000);
    await eventually(() => (house.fates['delivered'] === 1_000 ? true : undefined), 'all to be settled');
    assert.deepEqual(house.fates, { delivered: 1_000 });
    t.diagnostic(`${read} whole, 0 empty, 0 torn`);
  });
}

/**
 * A thief that opens the path as fast as it can, and prints how often it got anything. By the path, or (`handle`) through
 * a handle on the waiting file that it opens again, mode changed back, as soon as there are bytes.
 */
const THIEF = `import os, sys
got = tries = 0
def steal(path):
    global got, tries
    tries += 1
    try: f = os.open(path, os.O_RDONLY)
    except OSError: return
    if os.read(f, 10): got += 1
    os.close(f)
print('ready', flush=True)
while not os.path.exists('stop'):
    if sys.argv[1] == 'path': steal('.env'); continue
    try: h = os.open(os.readlink('.env'), os.O_PATH)
    except OSError: continue
    p = f'/proc/self/fd/{h}'
    for _ in range(1000):
        s = os.stat(p)
        if s.st_size > 0:
            os.chmod(p, 0o400); steal(p); break
        if s.st_nlink == 0 and _ > 900: break
    os.close(h)
print(got, tries, flush=True)`;

for (const [way, opens] of [
  ['path', 1_000],
  ['handle', 100],
] as const) {
  test(`a thief (${way}) races ${opens} reads of an admitted program`, { skip: needsPython }, async (t) => {
    await using house = await FileHouse.open({ bytes: 1_024 });
    // The words of the reader's command line are what is admitted; the thief does not have them.
    await house.tell('mode only admitted');
    const thief = house.start(PYTHON, ['-c', THIEF, way]);
    let said = '';
    thief.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await eventually(() => (said.includes('ready') ? true : undefined), 'the thief');
    const code = `let whole = 0, empty = 0, torn = 0, denied = 0;
for (let i = 0; i < ${opens}; i += 1) {
  try {
    const { length } = require('fs').readFileSync('.env');
    if (length === 1024) whole += 1; else if (length === 0) empty += 1; else torn += 1;
  } catch { denied += 1 }
}
console.log(JSON.stringify({ whole, empty, torn, denied })); // admitted`;
    const reader = await house.run(process.execPath, '-e', code);
    fs.writeFileSync(join(house.project, 'stop'), '');
    const figures = await eventually(() => /ready\n(\d+) (\d+)/.exec(said) ?? undefined, 'the thief to count');
    const read = JSON.parse(reader.out.toString()) as Record<string, number>;
    t.diagnostic(`reader: ${reader.out.toString().trim()}; thief: bytes in ${figures[1]} of ${figures[2]} opens`);
    t.diagnostic(`on the record: ${JSON.stringify(house.fates)}`);
    assert.equal((read['whole'] ?? 0) + (read['empty'] ?? 0) + (read['denied'] ?? 0) + (read['torn'] ?? 0), opens);
    if (way === 'path') assert.equal(Number(figures[1]), 0);
  });
}

test('I8: 5,000 reads leave no descriptor, no memory and no file behind', async (t) => {
  await using house = await FileHouse.open({ bytes: 10_000 });
  type Stats = { readonly descriptors: number; readonly memory: number; readonly rss: number };
  const files = (): number => fs.readdirSync(join(fs.readlinkSync(house.env), '../..'), { recursive: true }).length;
  let delivered = 0;
  const read = async (count: number): Promise<void> => {
    const code = `for (let i = 0; i < ${count}; i += 1) if (require('fs').readFileSync('.env').length !== 10000) process.exit(3)`;
    assert.equal((await house.run(process.execPath, '-e', code)).code, 0);
    delivered += count;
    await eventually(() => (house.fates['delivered'] === delivered ? true : undefined), 'all to be settled');
  };
  await read(1_000);
  const before = (await house.tell('stats')) as Stats;
  const filesBefore = files();
  await read(4_000);
  const mib = (after: Stats, key: 'memory' | 'rss'): number => (after[key] - before[key]) / 1024 / 1024;
  // What was settled a moment ago may be about to be closed, and its bytes to be collected.
  const after = await eventually(async () => {
    const stats = (await house.tell('stats')) as Stats;
    const isAsBefore = stats.descriptors <= before.descriptors && files() <= filesBefore && mib(stats, 'memory') < 4;
    return isAsBefore ? stats : undefined;
  }, 'descriptors, files and memory to be as before');
  t.diagnostic(`descriptors ${before.descriptors} → ${after.descriptors}`);
  t.diagnostic(`in use ${mib(after, 'memory').toFixed(1)} MiB more, resident ${mib(after, 'rss').toFixed(1)} MiB more`);
});
