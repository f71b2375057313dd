// npm run bench: how fast it is, as ratios and percentiles of one run, beside others in the same run. A table and no
// test: a target that is missed is said and fails nothing. `npm run bench -- mounts` measures one part of it. What is
// measured and how: docs/bench.md.

import { availableParallelism, loadavg, release } from 'node:os';
import { measureCalls, type Peers } from './bench/calls.ts';
import { progress, type Row, tableOf } from './bench/figures.ts';
import { measureHumanRuns } from './bench/human-runs.ts';
import { measureMasking } from './bench/masking.ts';
import { measureDaemon } from './bench/memory.ts';
import { measureMounts } from './bench/mounts.ts';
import { measureRevoke } from './bench/revoke.ts';
import { measureRuns } from './bench/runs.ts';
import { serversFor } from './bench/servers.ts';
import { measureStart } from './bench/start.ts';
import { StdioPeer } from './bench/stdio-peer.ts';
import { secretsOf } from './bench/texts.ts';
import { measureVault } from './bench/vault.ts';
import { House } from '../test/house.ts';

const SECRETS = 20;
const PARTS: Readonly<Record<string, () => Promise<readonly Row[]>>> = {
  agents: measureAgents,
  masking: measureMasking,
  mounts: measureMounts,
  vault: measureVault,
  run: measureHumanRuns,
};

const startedAt = performance.now();
const load = loadavg()[0] ?? 0;
const rows: Row[] = [];
for (const part of partsOf(process.argv.slice(2))) rows.push(...(await part()));
const missed = rows.filter(({ isMet }) => isMet === false).length;
const machine = `${availableParallelism()} cores, Linux ${release()}, Node ${process.version}, load ${load.toFixed(1)} at the start`;
process.stdout.write(
  `${tableOf(rows)}\n\n${machine}. ${missed === 0 ? 'Every target was met.' : `${missed} missed.`}\n`,
);
progress(`done in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);

/** All of them without a word. */
function partsOf(words: readonly string[]): (() => Promise<readonly Row[]>)[] {
  const picked = words.length === 0 ? Object.keys(PARTS) : words;
  return picked.map((word) => {
    const part = PARTS[word];
    if (part === undefined) throw new Error(`there is no part ${word}; there is ${Object.keys(PARTS).join(', ')}`);
    return part;
  });
}

/** MCP, runs and what ends them. */
async function measureAgents(): Promise<Row[]> {
  progress('making a vault');
  // The key derivation of a real vault: it leaves its mark on the daemon's memory.
  await using house = await House.open({ settings: '' });
  const daemon = await house.daemonPid();
  const idle = await measureDaemon(daemon, 'after init');
  const servers = serversFor(house);
  const start = await measureStart(house, servers);

  progress('making environments');
  const one = await house.environment('one', secretsOf(1));
  const twenty = await house.environment('twenty', secretsOf(SECRETS));
  await using ours = new StdioPeer(servers.launcher);
  await using bare = new StdioPeer(servers.bare);
  await using takescake = new StdioPeer(servers.takescake);
  const peers: Peers = { ours, bare, takescake };
  for (const peer of [ours, bare, takescake]) await peer.initialize();
  const admission = ours.callTool('list_variables', { environmentId: one });
  await house.approve();
  await admission;

  const calls = await measureCalls(peers, one);
  const runs = await measureRuns(house, peers, { one, twenty });
  const revoke = await measureRevoke(house, peers, one);
  const after = await measureDaemon(daemon, 'after all of this');
  return [...start, ...calls, ...runs, ...revoke, ...idle, ...after];
}
