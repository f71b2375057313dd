// npm run test:clients: the real Codex CLI and Claude Code against scripted models, offline but for their installation.

import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { installClients, VERSIONS } from '../test/clients/install.ts';

process.stdout.write(
  `clients: ${Object.entries(VERSIONS)
    .map(([name, version]) => `${name}@${version}`)
    .join(', ')}\n`,
);
installClients();

const files = globSync('test/clients/*.client.ts').toSorted();
const { stdout, status } = spawnSync(
  process.execPath,
  ['--test', '--test-concurrency=1', '--test-reporter=spec', ...files],
  {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
process.stdout.write(stdout);
const count = (word: string): number => Number(new RegExp(`^ℹ ${word} (\\d+)$`, 'm').exec(stdout)?.[1] ?? 0);
process.stdout.write(`${count('pass')} passed, ${count('fail')} failed, ${count('skipped')} skipped\n`);
process.exitCode = status === 0 && count('pass') > 0 ? 0 : 1;
