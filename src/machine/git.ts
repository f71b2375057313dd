// What git thinks of a path: whether it is tracked, whether it is ignored, and where a line that ignores it for this clone
// alone belongs. Git is asked as a stranger would ask in a folder that is not trusted: without the settings of the
// user, and without anything of the repository that could start a program.

import { execFile } from 'node:child_process';
import { appendFileSync, constants, existsSync, lstatSync, openSync, closeSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { Failure } from '../core/failure.ts';

const PROGRAMS = ['/usr/bin/git', '/usr/local/bin/git', '/bin/git', '/opt/homebrew/bin/git'];
const GIT_MS_MAX = 10_000;
const OUTPUT_BYTES_MAX = 1024 * 1024;

/** Nothing of a repository may run: it may belong to whoever wants this path mounted. */
const SAFE_OPTIONS = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', '-c', 'safe.directory=*'];

export type GitFacts =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'repository';
      readonly isTracked: boolean;
      readonly isIgnored: boolean;
      /** The top folder of the work tree, and the path seen from there. */
      readonly root: string;
      readonly relativePath: string;
      /** `.git/info/exclude`, or where it would be. */
      readonly excludeFile: string;
    };

/**
 * Looks for a repository from the folder of `path` (absolute, real) upwards. Throws `mount/tracked` when there is one
 * and git is not there to be asked.
 */
export async function gitFacts(path: string): Promise<GitFacts> {
  const folder = dirname(path);
  if (!isBelowRepository(folder)) return { kind: 'none' };
  const top = await git(folder, ['rev-parse', '--show-toplevel']);
  // Inside .git itself, or a .git that is none.
  if (top.code !== 0) return { kind: 'none' };
  const name = basename(path);
  const tracked = await git(folder, ['--literal-pathspecs', 'ls-files', '--error-unmatch', '--', name]);
  const ignored = await git(folder, ['check-ignore', '--quiet', '--', name]);
  const exclude = await git(folder, ['rev-parse', '--path-format=absolute', '--git-common-dir']);
  const root = line(top.stdout);
  return {
    kind: 'repository',
    isTracked: tracked.code === 0,
    isIgnored: ignored.code === 0,
    root,
    relativePath: relative(root, path),
    // Not asked for whole: git follows a link at info, and says where that leads.
    excludeFile: join(line(exclude.stdout), 'info', 'exclude'),
  };
}

/** Adds a line to `.git/info/exclude` that ignores exactly this path. Throws `machine/io`. */
export function excludeFromGit({ excludeFile, relativePath }: Extract<GitFacts, { kind: 'repository' }>): void {
  const pattern = `/${relativePath.replaceAll(/[\\*?[\]!# ]/g, String.raw`\$&`)}`;
  try {
    // A link at .git/info would have the line written to a file of that name elsewhere.
    const folder = lstatSync(dirname(excludeFile), { throwIfNoEntry: false });
    if (folder?.isDirectory() === false) throw new Error('not a folder');
    const flags =
      constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = openSync(excludeFile, flags, 0o644);
    try {
      const text = readFileSync(file, 'utf8');
      if (text.split('\n').includes(pattern)) return;
      appendFileSync(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${pattern}\n`);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw new Failure('machine/io', 'the path cannot be added to .git/info/exclude', {
      hint: 'ignore it in .gitignore, then mount again',
      cause,
    });
  }
}

/** The commands that take a tracked file out of git and keep it ignored. */
export function untrackCommands({ root, relativePath }: Extract<GitFacts, { kind: 'repository' }>): string {
  const file = quoted(relativePath);
  const commands = [
    `cd ${quoted(root)}`,
    `git rm --cached -- ${file}`,
    `echo ${quoted(`/${relativePath}`)} >> .gitignore`,
    `git commit -m 'Stop tracking a file with credentials'`,
  ];
  return `run: ${commands.join(' && ')}`;
}

function quoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function isBelowRepository(folder: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if (lstatSync(join(at, '.git'), { throwIfNoEntry: false }) !== undefined) return true;
    if (at === dirname(at)) return false;
  }
}

interface Answer {
  readonly code: number;
  readonly stdout: string;
}

async function git(cwd: string, args: readonly string[]): Promise<Answer> {
  const program = PROGRAMS.find((path) => existsSync(path));
  if (program === undefined) {
    throw new Failure('mount/tracked', 'the folder is in a git repository, and there is no git to ask about it', {
      hint: 'install git',
    });
  }
  // HOME is left out: settings of the user could name programs too.
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
  const options = { cwd, env: { ...env, GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0' } };
  try {
    const { stdout } = await promisify(execFile)(program, [...SAFE_OPTIONS, ...args], {
      ...options,
      timeout: GIT_MS_MAX,
      maxBuffer: OUTPUT_BYTES_MAX,
      encoding: 'utf8',
    });
    return { code: 0, stdout };
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (typeof code === 'number') return { code, stdout: '' };
    throw new Failure('machine/io', 'git did not answer', { cause });
  }
}

function line(text: string): string {
  return text.replace(/\n$/, '');
}
