// What we are measured beside, from npm, in a folder git does not see: some of it is not to be had for every machine, and
// `npm ci` would fail there.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../test/house.ts';
import { progress } from './figures.ts';

const VERSIONS = {
  '@dotenvx/dotenvx': '2.38.2',
  '@takescake/1password-mcp': '4.0.2',
  'dotenv-cli': '11.0.0',
  'env-cmd': '11.0.0',
  varlock: '1.20.0',
} as const;
const FOLDER = join(ROOT, '.cache', 'bench');

/** The folder `node_modules` they are in. Installs what is not there yet; throws when the registry cannot be reached. */
export function installPeers(): string {
  const stamp = join(FOLDER, 'installed.json');
  const wanted = JSON.stringify(VERSIONS);
  const modules = join(FOLDER, 'node_modules');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return modules;
  progress(`installing ${Object.keys(VERSIONS).join(', ')} into .cache/bench`);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, 'package.json'), JSON.stringify({ private: true, dependencies: VERSIONS }));
  const flags = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', '--loglevel=error'];
  execFileSync('npm', ['install', ...flags], { cwd: FOLDER, stdio: ['ignore', 'ignore', 'inherit'] });
  writeFileSync(stamp, wanted);
  return modules;
}
