// Programs that walk over a project and meet the mounted file on the way: none of them may ask anybody anything, hang, or
// take a value along. And those that are told to follow links, or to put the file into git all the same.

import type { Ended } from './stage.ts';

export interface LookerCase {
  readonly command: string;
  readonly argv: readonly string[];
  /** Whether a question is no fault: of a program that is told to open what it finds. */
  readonly mayAsk: boolean;
  /** What it came to, in a few words. */
  readonly outcome: (ended: Ended) => string;
  /** To be run afterwards, so that the next one finds the project as it was. */
  readonly after?: readonly string[];
}

export const LOOKERS: readonly LookerCase[] = [
  looker('grep -r canary .'),
  looker('rg canary'),
  looker('rg --hidden --no-ignore canary'),
  looker('find . -name .env'),
  looker('ls -l .env'),
  looker('tar c .'),
  ...['-e', '-f', '-s', '-r'].map((flag) => looker(`test ${flag} .env`, { outcome: yesOrNo })),
  looker('git status --porcelain', {
    outcome: ({ stdout }) => (/ \.env$/m.test(stdout.toString('latin1')) ? 'shown' : 'not shown'),
  }),
  looker('git add -A', { outcome: staged, argv: adding('-A') }),
  looker('git add -f .env', { outcome: staged, argv: adding('-f .env'), after: sh('git reset -q') }),
  looker('grep -R canary .', { mayAsk: true }),
  looker('rg --hidden --no-ignore --follow canary', { mayAsk: true }),
  looker('tar ch .', { mayAsk: true }),
];

function looker(command: string, more: Partial<LookerCase> = {}): LookerCase {
  return { command, argv: command.split(' '), mayAsk: false, outcome: exitCode, ...more };
}

function sh(script: string): readonly string[] {
  return ['sh', '-c', script];
}

/** What is in the index afterwards; git says more of it than its exit code. */
function adding(what: string): readonly string[] {
  return sh(`git add ${what}; git ls-files --stage .env`);
}

function exitCode({ code }: Ended): string {
  return `exit ${code}`;
}

function yesOrNo({ code }: Ended): string {
  return code === 0 ? 'true' : 'false';
}

/** By the mode in the index: gitformat-index(5). */
function staged({ stdout, stderr }: Ended): string {
  const mode = /^\d+/.exec(stdout.toString('latin1'))?.[0];
  if (mode === '120000') return 'stages the link';
  if (mode !== undefined) return 'STAGES THE CONTENT';
  return stderr === '' ? 'stages nothing' : 'an error, stages nothing';
}
