// Packages of npm that a script of ours runs and nothing else needs: exact versions, in a folder git does not see. Some of
// them are not to be had for every machine, and `npm ci` would fail there.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../test/house.ts';

/** By name. */
export type Versions = Readonly<Record<string, string>>;

/**
 * The folder `node_modules` they are in, below `.cache/<folder>`. Installs what is not there yet, without running anything
 * of theirs; throws when the registry cannot be reached.
 */
export function cachedPackages(folder: string, versions: Versions, say: (text: string) => void): string {
  const path = join(ROOT, '.cache', folder);
  const stamp = join(path, 'installed.json');
  const wanted = JSON.stringify(versions);
  const modules = join(path, 'node_modules');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return modules;
  say(`installing ${Object.keys(versions).join(', ')} into .cache/${folder}`);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'package.json'), JSON.stringify({ private: true, dependencies: versions }));
  const flags = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', '--loglevel=error'];
  execFileSync('npm', ['install', ...flags], { cwd: path, stdio: ['ignore', 'ignore', 'inherit'] });
  writeFileSync(stamp, wanted);
  return modules;
}
