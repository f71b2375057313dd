// The two python-dotenv of a machine: the one of the system, and another one that `python3` may have, which is newer. Its
// modules are copied into the projects, where the system's Python finds them beside the script.

import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';

export const PYTHON = '/usr/bin/python3';

/** The version and the folder of the modules; null where that Python has none. */
export function dotenvOf(python: string): { readonly version: string; readonly folder: string } | null {
  const script = 'import dotenv, dotenv.version; print(dotenv.version.__version__); print(dotenv.__file__)';
  const { status, stdout } = spawnSync(python, ['-c', script], { encoding: 'utf8' });
  if (status !== 0) return null;
  const [version = '', file = ''] = stdout.split('\n');
  return { version, folder: dirname(file) };
}

/** The one beside the system's; null when there is no other. */
export function newerDotenv(): ReturnType<typeof dotenvOf> {
  const other = dotenvOf('python3');
  return other?.version === dotenvOf(PYTHON)?.version ? null : other;
}
