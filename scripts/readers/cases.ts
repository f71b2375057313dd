// The programs that read a mounted file: the exact command of each, and how to see what arrived in it.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readDotenv } from '../../src/core/dotenv-read.ts';
import { ROOT } from '../../test/house.ts';
import { NOT_SET } from './project.ts';
import { PYTHON, dotenvOf, newerDotenv } from './python.ts';
import type { Ended, Place, Stage } from './stage.ts';

/** Variables by name, as bytes. */
export type Variables = ReadonlyMap<string, Buffer>;

export interface ReaderCase {
  readonly reader: string;
  /** The command as the table has it. */
  readonly command: string;
  /** The same to be run; `node` and the like are where this user can read them. */
  readonly argv: (stage: Stage) => readonly string[];
  /** Programs that have to be on the search path. */
  readonly needs: readonly string[];
  /** What is not here, known without a search. */
  readonly absent?: string;
  /** What arrived in it. */
  readonly arrived: (ended: Ended, place: Place) => Variables;
  /** To be run before, once in each project. */
  readonly before?: readonly string[];
}

export const READERS: readonly ReaderCase[] = [
  {
    reader: 'npm dotenv',
    command: "node app.mjs # import 'dotenv/config'",
    argv: ({ node }) => [node, 'app.mjs'],
    needs: [],
    arrived: fromEnvironment,
  },
  {
    reader: 'node --env-file',
    command: 'node --env-file=.env print.mjs',
    argv: ({ node }) => [node, '--env-file=.env', 'print.mjs'],
    needs: [],
    arrived: fromEnvironment,
  },
  {
    reader: 'loadEnvFile of Node',
    command: 'node load.mjs # process.loadEnvFile()',
    argv: ({ node }) => [node, 'load.mjs'],
    needs: [],
    arrived: fromEnvironment,
  },
  {
    reader: 'python-dotenv',
    command: 'python3 app.py # load_dotenv()',
    argv: () => [PYTHON, 'app.py'],
    needs: [],
    ...(dotenvOf(PYTHON) === null ? { absent: 'no python3-dotenv' } : {}),
    arrived: fromEnvironment,
  },
  {
    reader: 'python-dotenv, newer',
    command: 'python3 newer/app.py # load_dotenv()',
    argv: () => [PYTHON, 'newer/app.py'],
    needs: [],
    ...(newerDotenv() === null ? { absent: 'no newer python-dotenv' } : {}),
    arrived: fromEnvironment,
  },
  ...['bash', 'dash', 'zsh'].map((shell): ReaderCase => {
    const argv = [shell, ...(shell === 'zsh' ? ['-f'] : []), 'app.sh'];
    const command = `${argv.join(' ')} # set -a; . ./.env`;
    return { reader: shell, command, argv: () => argv, needs: [shell], arrived: fromEnvironment };
  }),
  {
    reader: 'docker-compose, env_file',
    command: 'docker-compose -f env-file.yml config',
    argv: () => ['docker-compose', '-f', 'env-file.yml', 'config'],
    needs: ['docker-compose'],
    arrived: fromCompose,
  },
  {
    reader: 'docker-compose, ${NAME}',
    command: 'docker-compose -f names.yml config',
    argv: () => ['docker-compose', '-f', 'names.yml', 'config'],
    needs: ['docker-compose'],
    arrived: fromCompose,
  },
  {
    reader: 'direnv',
    command: 'direnv exec . env -0 # .envrc: dotenv',
    argv: () => ['direnv', 'exec', '.', 'env', '-0'],
    needs: ['direnv', 'bash'],
    before: ['direnv', 'allow', '.'],
    arrived: fromEnvironment,
  },
  {
    reader: 'cat',
    command: 'cat .env',
    argv: () => ['cat', '.env'],
    needs: ['cat'],
    arrived: ({ stdout }) => fromFile(stdout),
  },
  {
    reader: 'cp',
    command: 'cp .env copy',
    argv: () => ['cp', '.env', 'copy'],
    needs: ['cp'],
    arrived: (_, place) => fromCopy(join(place.folder, 'copy')),
  },
  {
    reader: 'vim',
    command: "vim -es -u NONE -i NONE -n .env -c 'w! copy' -c 'qa!'",
    argv: () => ['vim', '-es', '-u', 'NONE', '-i', 'NONE', '-n', '.env', '-c', 'w! copy', '-c', 'qa!'],
    needs: ['vim'],
    arrived: (_, place) => fromCopy(join(place.folder, 'copy')),
  },
  ...['docker compose config', 'docker run --env-file .env image'].map((command): ReaderCase => {
    const reader = command.split(' ').slice(0, 2).join(' ');
    return { reader, command, argv: () => [], needs: [], absent: 'no docker', arrived: fromEnvironment };
  }),
];

function fromEnvironment({ stdout }: Ended): Variables {
  return fromPairs(stdout);
}

function fromPairs(stdout: Buffer): Variables {
  const variables = new Map<string, Buffer>();
  for (let start = 0; start < stdout.length;) {
    const zero = stdout.indexOf(0, start);
    const end = zero === -1 ? stdout.length : zero;
    const equals = stdout.indexOf('=', start);
    if (equals !== -1 && equals < end)
      variables.set(stdout.toString('latin1', start, equals), stdout.subarray(equals + 1, end));
    start = end + 1;
  }
  return variables;
}

/** Our own reader takes the file apart; a file that was cut in two is not one. */
function fromFile(bytes: Buffer): Variables {
  return new Map(readDotenv(bytes).map(({ name, value }) => [name, value]));
}

function fromCopy(path: string): Variables {
  const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  rmSync(path, { force: true });
  return fromFile(bytes);
}

/** What `docker-compose config` prints is YAML; what is not set in it was not read. */
function fromCompose({ code, stdout }: Ended): Variables {
  if (code !== 0) return new Map();
  const printed = spawnSync(PYTHON, [join(ROOT, 'test/programs/dotenv-compose.py'), 'it'], { input: stdout });
  if (printed.status !== 0) throw new Error(printed.stderr.toString('utf8'));
  const variables = [...fromPairs(printed.stdout)];
  return new Map(variables.filter(([, value]) => value.toString('utf8') !== NOT_SET));
}
