// Which file a person means by the first word of a command: looked up on that person's own PATH, as a shell does.

import { accessSync, constants, statSync } from 'node:fs';
import { Failure } from '../../../core/failure.ts';

/** Where execvp(3) of glibc looks without a PATH (confstr(3), _CS_PATH). */
const PATH_DEFAULT = '/bin:/usr/bin';

/**
 * A path that can be given to execve(2). A word with a slash is one already; an empty entry of PATH is the current
 * folder. Throws `program/not_found`, also for a file that may not be executed: such a one is passed over on the PATH,
 * and named when there is no other. (Exit 7, where a shell has 127 or 126: those may come from the program itself.)
 */
export function findProgram(word: string, path: string = PATH_DEFAULT): string {
  if (word === '') throw new Failure('program/not_found', 'the name of the program is empty');
  const candidates = word.includes('/') ? [word] : path.split(':').map((folder) => `${folder || '.'}/${word}`);
  let refused: string | null = null;
  for (const candidate of candidates) {
    const found = look(candidate);
    if (found === 'program') return candidate;
    if (found === 'refused') refused ??= candidate;
  }
  if (refused !== null) {
    throw new Failure('program/not_found', `${refused} may not be executed`, { hint: 'make it executable' });
  }
  if (word.includes('/')) throw new Failure('program/not_found', `there is no program ${word}`);
  throw new Failure('program/not_found', `there is no program ${word} on your PATH`);
}

function look(file: string): 'program' | 'refused' | 'absent' {
  try {
    if (!statSync(file).isFile()) return 'refused';
  } catch {
    // Not there, or in a folder that may not be searched: a shell passes over both.
    return 'absent';
  }
  try {
    accessSync(file, constants.X_OK);
    return 'program';
  } catch {
    return 'refused';
  }
}
