// Ids as people type them: whole, or so much of one that only one is meant.

import { Failure, type FailureCode } from '../../core/failure.ts';

/**
 * The one id of `ids` that `given` is, or begins; the word in front (`req_`) may be left out. Throws `code` when there
 * is none, `name/ambiguous` when there are several.
 */
export function resolveId(given: string, ids: readonly string[], code: FailureCode, noun: string): string {
  if (ids.includes(given)) return given;
  const meant = ids.filter((id) => id.startsWith(given) || id.slice(id.indexOf('_') + 1).startsWith(given));
  const [first, second] = given === '' ? [] : meant;
  if (first === undefined) throw new Failure(code, `there is no ${noun} with that id`);
  if (second !== undefined) {
    throw new Failure('name/ambiguous', `${meant.length} ${noun}s begin like that`, { hint: 'write more of the id' });
  }
  return first;
}
