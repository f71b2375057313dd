// The byte strings beside the document of a call.

import { Failure } from '../core/failure.ts';
import { Secret } from '../core/secret.ts';
import type { Call } from '../wire/calls.ts';
import type { MethodName } from '../wire/methods.ts';

/** One part of the frame as a Secret. It is a copy: the frame's own bytes are wiped when the handler is done. */
export function part(call: Pick<Call<MethodName>, 'parts'>, index: number, what: string): Secret {
  const bytes = call.parts[index];
  if (bytes === undefined) throw new Failure('human/needed', `${what} is missing`);
  return new Secret(Buffer.from(bytes));
}
