// From the start of a server's process to its first answer, beside `node -e 0`.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { House } from '../../test/house.ts';
import { limited, median, ms, progress, type Row, told } from './figures.ts';
import type { Servers } from './servers.ts';
import { type Launch, StdioPeer } from './stdio-peer.ts';

const ROUNDS = 21;
const WARM_UPS = 3;
const TARGET = 3;

export async function measureStart(house: House, servers: Servers): Promise<Row[]> {
  progress(`start: ${ROUNDS} rounds, interleaved`);
  const home = mkdtempSync(join(house.root, 'cold-'));
  const cold = { ...servers.launcher, env: { ...servers.launcher.env, KEYSTILE_HOME: home } };
  const forget = (): void => rmSync(join(home, 'cache'), { recursive: true, force: true });
  const kinds: Record<string, () => Promise<number>> = {
    node: async () => await untilExit(house.env),
    bare: async () => await untilAnswer(servers.bare),
    launcher: async () => await untilAnswer(servers.launcher),
    direct: async () => await untilAnswer(servers.direct),
    // What a client waits for before its model can begin.
    tools: async () => await untilAnswer(servers.launcher, true),
    cold: async () => {
      forget();
      return await untilAnswer(cold);
    },
  };
  const { takescake } = servers;
  kinds['takescake'] = async () => await untilAnswer(takescake);

  const taken = new Map<string, number[]>(Object.keys(kinds).map((kind) => [kind, []]));
  for (let round = -WARM_UPS; round < ROUNDS; round += 1) {
    for (const [kind, measure] of Object.entries(kinds)) {
      const sample = await measure();
      if (round >= 0) taken.get(kind)?.push(sample);
    }
  }
  return rowsOf(new Map([...taken].map(([kind, samples]) => [kind, median(samples)])));
}

function rowsOf(medians: ReadonlyMap<string, number>): Row[] {
  const node = medians.get('node') ?? Number.NaN;
  const times = (kind: string): number => (medians.get(kind) ?? Number.NaN) / node;
  const said = (kind: string): string => `${kind} ${times(kind).toFixed(2)} × (${ms(medians.get(kind) ?? Number.NaN)})`;
  const beside = [`node -e 0 ${ms(node)}`, said('bare')].concat(said('takescake'));
  return [
    limited('MCP start → first answer, `bin/keystile mcp`', times('launcher'), TARGET, '×', beside.join(', ')),
    limited('the same, `node dist/keystile.js mcp`', times('direct'), TARGET, '×', ms(medians.get('direct') ?? 0)),
    told('start → list of tools, `bin/keystile mcp`', `${times('tools').toFixed(2)} ×`, ms(medians.get('tools') ?? 0)),
    told(
      'start → first answer with no compile cache yet',
      `${times('cold').toFixed(2)} ×`,
      ms(medians.get('cold') ?? 0),
    ),
  ];
}

/** Milliseconds until an empty program has ended. */
async function untilExit(env: Record<string, string>): Promise<number> {
  const startedAt = performance.now();
  await once(spawn(process.execPath, ['-e', '0'], { env, stdio: 'ignore' }), 'close');
  return performance.now() - startedAt;
}

/** Milliseconds until the answer to initialize, or to the list of tools after it. What the process does at its end is waited for and not counted. */
async function untilAnswer(launch: Launch, withTools = false): Promise<number> {
  const startedAt = performance.now();
  await using peer = new StdioPeer(launch);
  await peer.initialize();
  if (withTools) await peer.request('tools/list', {});
  return performance.now() - startedAt;
}
