// A person's run without a daemon: `run-human.ts VALUES [--no-masking] -- CMD…`. VALUES is a file of JSON: names, values.

import { readFileSync } from 'node:fs';
import { Failure } from '../../src/core/failure.ts';
import { runForHuman } from '../../src/doors/cli/run/human-run.ts';
import { ignoredSignals, ownEnvironment } from '../../src/doors/cli/run/own-environment.ts';

const [file = '', ...words] = process.argv.slice(2);
const at = words.indexOf('--');
const values = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
try {
  process.exitCode = await runForHuman({
    argv: words.slice(at + 1),
    variables: Object.entries(values).map(([name, value]) => ({ name, value: Buffer.from(value), isMasked: true })),
    environment: ownEnvironment(),
    masking: words.slice(0, at).includes('--no-masking') ? 'off' : 'on',
    ignored: ignoredSignals(),
  });
} catch (error) {
  const failure = Failure.from(error);
  process.stderr.write(`${failure.code}: ${failure.message}\n`);
  if (failure.code === 'internal/error') console.error(failure.cause);
  process.exitCode = failure.exitCode;
}
