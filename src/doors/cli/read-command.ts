// `read`: one value, to standard output or into a file.

import { resolve } from 'node:path';
import { REFERENCE_CHARACTERS_MAX } from '../../core/disclosure.ts';
import { EXIT, type ExitCode } from '../../core/failure.ts';
import { parseReference } from '../../core/reference.ts';
import { FILE_MODE_DEFAULT, parseFileMode, refuseExisting, writeOutputFile } from '../../machine/output-file.ts';
import { usage, type Call, type Command } from './command.ts';
import { valueMember } from './output.ts';
import { withValues } from './values.ts';

const NEWLINE = Buffer.from('\n');

export const READ_COMMAND: Command = {
  path: ['read'],
  args: [{ name: 'REF' }],
  flags: {
    'no-newline': { short: 'n', help: 'print no newline behind the value' },
    'out-file': { short: 'o', value: 'PATH', help: 'write the value into a file instead of printing it' },
    'file-mode': { value: 'MODE', help: 'permissions of that file; 0600 when none are named' },
    force: { short: 'f', help: 'replace a file that is there' },
  },
  help: 'print the value a secret reference leads to',
  details:
    'A reference is op://vault/item/field or op://vault/item/section/field, by names or ids. With ?attribute=otp it is the\n' +
    'one-time password of now, with ?ssh-format=openssh a private key as OpenSSH writes one. The passphrase is asked for once\n' +
    'in a while at a terminal, and always elsewhere. Under a coding agent it becomes a request that shows you what is read.',
  example:
    'keystile read op://Work/Stripe/credential\nkeystile read --out-file key.pem op://Work/deploy/key?ssh-format=openssh',
  run: read,
};

async function read(call: Call): Promise<ExitCode> {
  const reference = call.argument('REF');
  if (reference.length > REFERENCE_CHARACTERS_MAX) throw usage('that reference is too long');
  parseReference(reference, 'REF');
  const path = call.flag('out-file');
  const file = path === undefined ? null : fileOf(call, resolve(path));
  if (file !== null) refuseExisting(file);
  const argv = ['keystile', 'read', reference];
  await withValues(
    call,
    { purpose: 'read', references: [reference], argv, path: file?.path ?? null },
    async ([one]) => {
      const value = one?.value ?? Buffer.alloc(0);
      if (file !== null) {
        writeOutputFile(file, value);
        call.output.answer({ path: file.path, bytes: value.length }, () => [file.path]);
      } else if (call.output.isJson) {
        call.output.answer({ reference, ...valueMember('value', value) }, () => []);
      } else {
        await call.output.value(value);
        if (!call.has('no-newline')) await call.output.value(NEWLINE);
      }
    },
  );
  return EXIT.done;
}

/** Where a command that takes these flags writes to. Throws `usage/invalid`. */
export function fileOf(call: Call, path: string): { path: string; mode: number; force: boolean } {
  const mode = call.flag('file-mode');
  return { path, mode: mode === undefined ? FILE_MODE_DEFAULT : parseFileMode(mode), force: call.has('force') };
}
