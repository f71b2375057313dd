// `inject`: a template in, the same text with values in the place of its references out.

import { resolve } from 'node:path';
import { EXIT, type ExitCode } from '../../core/failure.ts';
import { formatReference } from '../../core/reference.ts';
import { fillTemplate, parseTemplate, TEMPLATE_BYTES_MAX, type Template } from '../../core/template.ts';
import { readInputFile } from '../../machine/input-file.ts';
import { refuseExisting, writeOutputFile } from '../../machine/output-file.ts';
import { isTerminal } from '../../machine/pty.ts';
import type { Call, Command } from './command.ts';
import { valueMember } from './output.ts';
import { fileOf } from './read-command.ts';
import { withValues } from './values.ts';

export const INJECT_COMMAND: Command = {
  path: ['inject'],
  flags: {
    'in-file': { short: 'i', value: 'PATH', help: 'the template; standard input when it is not named' },
    'out-file': { short: 'o', value: 'PATH', help: 'where the result goes; standard output when it is not named' },
    'file-mode': { value: 'MODE', help: 'permissions of that file; 0600 when none are named' },
    force: { short: 'f', help: 'replace a file that is there' },
  },
  help: 'fill the secret references of a template with their values',
  details:
    'A reference stands in the text as op://vault/item/field or {{ op://vault/item/field }}; inside one, $NAME and\n' +
    '${NAME:-otherwise} come from the environment. {{ "text" }} is the text itself. When anything is wrong nothing is\n' +
    'written. The result holds secrets: delete it when it is not needed, or hand values over with run or mount instead.',
  example:
    'keystile inject -i config.yml.tpl -o config.yml\necho "password: {{ op://Work/db/password }}" | keystile inject',
  run: inject,
};

async function inject(call: Call): Promise<ExitCode> {
  const [from, to] = [call.flag('in-file'), call.flag('out-file')];
  const file = to === undefined ? null : fileOf(call, resolve(to));
  if (file !== null) refuseExisting(file);
  const bytes = from === undefined ? await stdinTemplate(call) : readInputFile(resolve(from), TEMPLATE_BYTES_MAX);
  const template = parseTemplate(bytes, environmentMap());
  await withFilled(call, template, file?.path ?? null, async (filled) => {
    if (file === null && call.output.isJson) {
      call.output.answer(valueMember('text', filled), () => []);
      return;
    }
    if (file === null) {
      await call.output.value(filled);
      return;
    }
    writeOutputFile(file, filled);
    call.output.answer({ path: file.path, bytes: filled.length }, () => [file.path]);
  });
  return EXIT.done;
}

/** The first line may be the passphrase, which the daemon is asked with later: it has to be read before the template. */
async function stdinTemplate(call: Call): Promise<Buffer> {
  await call.human.takePassphrase();
  const { readAllStdin } = await import('../../machine/terminal.ts');
  if (isTerminal(0)) call.output.note('keystile: type the template, then Ctrl-D; --in-file names a file');
  return await readAllStdin(TEMPLATE_BYTES_MAX);
}

async function withFilled(
  call: Call,
  template: Template,
  path: string | null,
  use: (filled: Buffer) => Promise<void>,
): Promise<void> {
  const references = template.references.map((reference) => formatReference(reference));
  const fill = async (values: ReadonlyMap<string, Buffer>): Promise<void> => {
    const filled = fillTemplate(template, values);
    try {
      await use(filled);
    } finally {
      filled.fill(0);
    }
  };
  if (references.length === 0) {
    await fill(new Map());
    return;
  }
  const argv = ['keystile', 'inject', ...(path === null ? [] : ['-o', path])];
  await withValues(call, { purpose: 'inject', references, argv, path }, async (values) => {
    await fill(new Map(values.map(({ value }, i) => [references[i] ?? '', value])));
  });
}

/** What `$NAME` stands for. */
export function environmentMap(): ReadonlyMap<string, string> {
  return new Map(Object.entries(process.env).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])));
}
