// Makes one quick call and says how it went: `quick-call.ts HOME METHOD SILENCE_MS`. Prints `silence` when it is told so,
// and at the end one line of JSON: {answer, parts} or {failure}; the answer is null when nothing was asked.

import { Failure } from '../../src/core/failure.ts';
import { homePaths } from '../../src/machine/paths.ts';
import type { MethodName, Params } from '../../src/wire/methods.ts';
import { callQuickly } from '../../src/wire/quick-call.ts';

const [home = '', method = '', silenceMs = '60000', paramsText = '{}'] = process.argv.slice(2);
const loaded = (process as unknown as { moduleLoadList: string[] }).moduleLoadList;
const before = loaded.length;
try {
  const answer = callQuickly({
    paths: homePaths({ KEYSTILE_HOME: home }),
    clientName: 'quick-call',
    method: method as MethodName,
    params: JSON.parse(paramsText) as Params<MethodName>,
    silence: { afterMs: Number(silenceMs), tell: () => process.stdout.write('silence\n') },
  });
  const parts = answer?.parts.map((part) => part.toString('base64'));
  say({ answer: answer?.result ?? null, parts });
} catch (error) {
  say({ failure: Failure.from(error).code });
}

function say(what: object): void {
  // Only what the call itself had loaded: a program of TypeScript loads more than a bundle does.
  const heavy = loaded.slice(before).filter((name) => /^NativeModule (?:net|crypto|tty)$/.test(name));
  process.stdout.write(`${JSON.stringify({ ...what, heavy })}\n`);
}
