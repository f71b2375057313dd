// Mounted files: a path where programs find the variables of an environment, each after you said yes to it.

import { resolve } from 'node:path';
import { EXIT, type ExitCode } from '../../core/failure.ts';
import type { Params } from '../../wire/methods.ts';
import type { MountView } from '../../wire/views.ts';
import { usage, type Call, type Command } from './command.ts';
import { counted, table } from './output.ts';
import { unmaskableLines } from './unmaskable.ts';

const BACKENDS = ['auto', 'fuse', 'fifo', 'file'] as const;

const BACKEND_FLAG = {
  value: 'BACKEND',
  choices: BACKENDS,
  help: 'what stands at the path: fuse, fifo or file; auto takes fuse where it works, else fifo',
} as const;

const ENV = { name: 'ENV', names: 'environment' } as const;

export const MOUNT_COMMANDS: readonly Command[] = [
  {
    path: ['mount'],
    args: [ENV, { name: 'PATH' }],
    flags: { backend: BACKEND_FLAG },
    help: 'make a file, such as .env, that exists only while a program you approved reads it',
    details:
      'Nothing may be at PATH yet; to put a mount in the place of a file: keystile environment import ENV FILE --mount.\n' +
      'Each program that opens it is shown to you first: answer with keystile watch.',
    example: 'keystile mount shop .env',
    run: mount,
  },
  {
    path: ['unmount'],
    args: [{ name: 'PATH', names: 'mount' }],
    flags: {
      restore: { help: 'bring back the plain file that was imported from there; needs the passphrase' },
      'forget-backup': { help: 'drop the sealed copy of that file for good; needs the passphrase' },
    },
    exclusive: [['restore', 'forget-backup']],
    help: 'take a mounted file away',
    example: 'keystile unmount .env --restore',
    run: unmount,
  },
  {
    path: ['mounts'],
    flags: {
      'ask-again': { value: 'PATH', names: 'mount', help: 'forget which programs were refused there, and ask again' },
    },
    help: 'list the mounted files, how each is served, and what is wrong with it',
    example: 'keystile mounts',
    run: mounts,
  },
];

/** `environment import` belongs to the environments, and ends with a mount. */
export const IMPORT_COMMAND: Command = {
  path: ['environment', 'import'],
  args: [ENV, { name: 'FILE' }],
  flags: {
    mount: { help: 'then put a mount in the place of the file; a sealed copy of it stays in the vault' },
    backend: BACKEND_FLAG,
  },
  help: 'take the variables of a dotenv file into an environment, which is made if need be',
  details:
    'The daemon reads the file. Switches, small numbers and words such as "production" become plain values, the rest is\n' +
    'concealed. What other programs, backups and git have copied of the file is not undone: rotate what matters.',
  example: 'keystile environment import shop .env --mount',
  run: importFile,
};

async function mount(call: Call): Promise<ExitCode> {
  const environment = call.argument('ENV');
  const path = resolve(call.argument('PATH'));
  const daemon = await call.daemon();
  const { result } = await daemon.call('mount.add', { environment, path, backend: backendOf(call) });
  const made = result.mount;
  call.output.answer(made === undefined ? { path, asked: true } : { ...made }, () => [
    `mounted ${environment} at ${path}${made === undefined ? ', as you approved' : `, as ${made.backend}`}`,
    ...(made === undefined ? [] : leftOutLines(made)),
    'programs that open it are shown in: keystile watch',
  ]);
  return EXIT.done;
}

async function unmount(call: Call): Promise<ExitCode> {
  const path = resolve(call.argument('PATH'));
  const daemon = await call.daemon();
  if (call.has('restore') || call.has('forget-backup')) {
    const isRestored = call.has('restore');
    const question = `Passphrase to ${isRestored ? 'put the plain file back' : 'forget the copy of the plain file'}`;
    await call.human.withPassphrase(question, async (passphrase) => {
      const method = isRestored ? 'mount.restore' : 'mount.forget_backup';
      await daemon.call(method, { path }, { parts: [passphrase] });
    });
    call.output.answer({ path, restored: isRestored }, () => [
      isRestored ? `${path} is a plain file again` : `dropped the copy of ${path}`,
    ]);
    return EXIT.done;
  }
  const { result } = await daemon.call('mount.remove', { path });
  call.output.answer({ path, ...result }, () => [`unmounted ${path}`]);
  return EXIT.done;
}

async function mounts(call: Call): Promise<ExitCode> {
  const daemon = await call.daemon();
  const again = call.flag('ask-again');
  if (again !== undefined) {
    const path = resolve(again);
    await daemon.call('mount.ask_again', { path });
    call.output.answer({ path, asksAgain: true }, () => [`programs that open ${path} are asked about again`]);
    return EXIT.done;
  }
  const { result } = await daemon.call('mount.list', {});
  call.output.answer(result, () => {
    const rows = result.mounts.map((mount) => [
      mount.path,
      mount.environmentName,
      mount.backend,
      mount.state,
      String(mount.readers),
      noteOf(mount),
    ]);
    const none = 'nothing is mounted; mount a file with: keystile mount ENV PATH';
    return table(['PATH', 'ENVIRONMENT', 'AS', 'STATE', 'READERS', 'NOTE'], rows, none);
  });
  return EXIT.done;
}

async function importFile(call: Call): Promise<ExitCode> {
  const environment = call.argument('ENV');
  const path = resolve(call.argument('FILE'));
  const mounts = call.has('mount');
  if (!mounts && call.has('backend')) throw usage('--backend goes with --mount');
  const daemon = await call.daemon();
  const { result } = await daemon.call('environment.import', { environment, path, mounts, backend: backendOf(call) });
  const count = counted(result.variableNames.length, 'variable');
  const { variables } = (await daemon.call('environment.show', { environment })).result.environment;
  const unmaskable = variables.filter(
    ({ name, maskable }) => maskable === false && result.variableNames.includes(name),
  );
  const names = unmaskable.map(({ name }) => name);
  call.output.answer({ ...result, unmaskable: names }, () => [
    `imported ${count} into ${environment}: ${result.variableNames.join(' ') || '-'}`,
    ...(mounts
      ? [`${path} is mounted now; keystile unmount ${path} --restore brings the file back`]
      : [`${path} is still there, in the clear; remove it, or import with --mount`]),
    ...unmaskableLines(names),
  ]);
  return EXIT.done;
}

function backendOf(call: Call): Params<'mount.add'>['backend'] {
  return BACKENDS.find((backend) => backend === call.flag('backend')) ?? 'auto';
}

function noteOf(mount: MountView): string {
  const notes = [
    mount.note,
    mount.leftOut.length === 0 ? '' : `without ${mount.leftOut.join(' ')}`,
    mount.denied.length === 0 ? '' : `refused for good: ${mount.denied.join(', ')}`,
    mount.hasBackup ? 'can be restored' : '',
    mount.state === 'mounted' ? mount.backendWhy : '',
  ];
  return notes.filter((note) => note !== '').join('; ') || '-';
}

function leftOutLines({ leftOut }: MountView): string[] {
  if (leftOut.length === 0) return [];
  return [`left out, because they have no value or cannot be written there: ${leftOut.join(' ')}`];
}
