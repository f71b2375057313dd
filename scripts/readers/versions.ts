// What was measured with, for the line below the tables.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../../test/house.ts';
import { PYTHON, dotenvOf, newerDotenv } from './python.ts';

/** How a program says its version; the first number with a dot in it counts. */
const PROGRAMS: readonly (readonly [name: string, ...argv: string[]])[] = [
  ['docker-compose', 'docker-compose', '--version'],
  ['direnv', 'direnv', 'version'],
  ['bash', 'bash', '--version'],
  ['dash', 'dpkg-query', '-W', '-f', '${Version}', 'dash'],
  ['zsh', 'zsh', '--version'],
  ['GNU grep', 'grep', '--version'],
  ['ripgrep', 'rg', '--version'],
  ['GNU tar', 'tar', '--version'],
  ['git', 'git', '--version'],
  ['vim', 'vim', '--version'],
];

export function versions(): string[] {
  const packages = ['dotenv', 'chokidar'].map((name) => `npm ${name} ${versionOfPackage(name)}`);
  const python = [dotenvOf(PYTHON), newerDotenv()].flatMap((it) => (it === null ? [] : `python-dotenv ${it.version}`));
  const programs = PROGRAMS.flatMap(([name, command = '', ...args]) => {
    const { stdout } = spawnSync(command, args, { encoding: 'utf8' });
    const version = /\d+\.[\d.]*\d/.exec(stdout ?? '')?.[0];
    return version === undefined ? [] : [`${name} ${version}`];
  });
  return [
    `Linux ${/^\d+\.\d+/.exec(release())?.[0]}`,
    `Node ${process.versions.node}`,
    ...packages,
    ...python,
    ...programs,
  ];
}

function versionOfPackage(name: string): string {
  const text = readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
