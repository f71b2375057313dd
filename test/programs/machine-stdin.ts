// Reads a passphrase line and then the rest from standard input, and prints both as hexadecimal.

import { Failure } from '../../src/core/failure.ts';
import { readAllStdin, readPassphraseFromStdin } from '../../src/machine/terminal.ts';

try {
  using passphrase = await readPassphraseFromStdin();
  const rest = await readAllStdin(Number(process.argv[2]));
  console.log(JSON.stringify({ passphrase: passphrase.reveal().toString('hex'), rest: rest.toString('hex') }));
} catch (error) {
  console.log(JSON.stringify({ failure: Failure.from(error).code }));
}
