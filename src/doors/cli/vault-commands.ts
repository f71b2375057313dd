// The vault itself: init, unlock, lock, and the way back in when the passphrase is lost.

import { resolve } from 'node:path';
import { EXIT, Failure } from '../../core/failure.ts';
import type { Call, Command } from './command.ts';
import { createKit, readKit, refuseKitInHome, type KitFile } from './kit.ts';
import { cliPaths } from './daemon.ts';

/** As many as the daemon takes; what lies behind them is hardly ever a program's place. */
const SEARCH_PATH_MAX = 200;
const PATH_CHARACTERS_MAX = 4096;

export const VAULT_COMMANDS: readonly Command[] = [
  {
    path: ['init'],
    flags: { 'recovery-kit': { value: 'FILE', help: 'also write the recovery kit to this new file' } },
    help: 'make the vault and start the daemon, unlocked',
    details:
      'Asks for a passphrase twice. Without --recovery-kit no kit is written: one that lies beside the vault would undo\n' +
      'the passphrase. The PATH of this shell is kept, to find the programs that agents name.',
    example: 'keystile init --recovery-kit /media/usb/keystile-kit.txt',
    run: init,
  },
  {
    path: ['unlock'],
    help: 'unlock the vault with the passphrase',
    example: 'keystile unlock',
    run: async (call) => {
      const daemon = await call.daemon();
      await call.human.withPassphrase('Passphrase to unlock the vault', async (passphrase) => {
        await daemon.call('vault.unlock', {}, { parts: [passphrase] });
      });
      call.output.answer({ unlocked: true }, () => ['unlocked']);
      return EXIT.done;
    },
  },
  {
    path: ['lock'],
    help: 'lock the vault: every grant and lease ends',
    example: 'keystile lock',
    run: async (call) => {
      const daemon = await call.daemon();
      await daemon.call('vault.lock', {});
      call.output.answer({ locked: true }, () => ['locked; every grant and lease has ended']);
      return EXIT.done;
    },
  },
  {
    path: ['recovery-kit'],
    args: [{ name: 'FILE' }],
    help: 'write a recovery kit to a new file; older kits stop working',
    example: 'keystile recovery-kit /media/usb/keystile-kit.txt',
    run: writeKit,
  },
  {
    path: ['recover'],
    args: [{ name: 'FILE', isOptional: true }],
    help: 'set a new passphrase with a recovery kit',
    details:
      'Without FILE the recovery key is typed. With --passphrase-stdin the first line is the new passphrase and, without\n' +
      'FILE, the second line the recovery key.',
    example: 'keystile recover /media/usb/keystile-kit.txt',
    run: recover,
  },
];

async function init(call: Call): Promise<typeof EXIT.done> {
  const given = call.flag('recovery-kit');
  const kitPath = given === undefined ? undefined : resolve(given);
  if (kitPath !== undefined) refuseKitInHome(kitPath, cliPaths().home);
  const daemon = await call.daemon();
  const { result: status } = await daemon.call('status', {});
  if (status.vault !== 'absent') throw new Failure('vault/exists', `${status.home} has a vault already`);
  const vaultId = await call.human.withNewPassphrase(async (passphrase) => {
    using kit = kitPath === undefined ? null : createKit(kitPath);
    const params = { searchPath: searchPath(process.env.PATH ?? ''), wantsRecoveryKey: kit !== null };
    const { result, parts } = await daemon.call('vault.init', params, { parts: [passphrase] });
    fillKit(kit, result.vaultId, parts);
    return result.vaultId;
  });
  call.output.answer({ vaultId, home: status.home, recoveryKit: kitPath ?? null, unlocked: true }, () => [
    `made the vault ${vaultId} in ${status.home}, and unlocked it`,
    ...(kitPath === undefined
      ? [
          'no recovery kit was written: without one a lost passphrase cannot be replaced',
          '  keystile recovery-kit FILE           writes one; keep it away from this machine',
        ]
      : [`the recovery kit was written to ${kitPath}; keep it away from this machine`]),
    '',
    'next',
    '  keystile setup codex                 or claude, cursor, vscode: lets the agent ask',
    '  keystile environment create NAME     a set of variables',
    '  keystile environment set NAME TOKEN  a value, typed where no agent sees it',
    '  keystile watch                       shows what agents ask, and answers',
  ]);
  return EXIT.done;
}

/** Absolute folders only: an agent's project must not decide which program a name means. */
function searchPath(path: string): string[] {
  const folders = path.split(':').filter((folder) => folder.startsWith('/') && folder.length <= PATH_CHARACTERS_MAX);
  return [...new Set(folders)].slice(0, SEARCH_PATH_MAX);
}

async function writeKit(call: Call): Promise<typeof EXIT.done> {
  const path = resolve(call.argument('FILE'));
  refuseKitInHome(path, cliPaths().home);
  const daemon = await call.daemon();
  const vaultId = await call.human.withPassphrase('Passphrase to write a recovery kit', async (passphrase) => {
    using kit = createKit(path);
    const { result, parts } = await daemon.call('vault.recovery_key', {}, { parts: [passphrase] });
    fillKit(kit, result.vaultId, parts);
    return result.vaultId;
  });
  call.output.answer({ vaultId, recoveryKit: path }, () => [
    `the recovery kit was written to ${path}; keep it away from this machine`,
    'kits made before no longer work',
  ]);
  return EXIT.done;
}

function fillKit(kit: KitFile | null, vaultId: string, parts: readonly Buffer[]): void {
  const key = parts[0];
  try {
    if (kit === null) return;
    if (key === undefined) throw new Failure('daemon/protocol', 'the daemon gave no recovery key');
    kit.fill(vaultId, key, new Date());
  } finally {
    for (const part of parts) part.fill(0);
  }
}

async function recover(call: Call): Promise<typeof EXIT.done> {
  const path = call.optionalArgument('FILE');
  const daemon = await call.daemon();
  const recoverWith = async (key: Buffer, passphrase: Buffer): Promise<void> => {
    await daemon.call('vault.recover', {}, { parts: [key, passphrase] });
  };
  if (path === undefined) {
    await call.human.withNewPassphrase(async (passphrase) => {
      await call.human.withSecretLine('Recovery key', async (key) => await recoverWith(key, passphrase));
    });
  } else {
    const key = readKit(path);
    try {
      await call.human.withNewPassphrase(async (passphrase) => await recoverWith(key, passphrase));
    } finally {
      key.fill(0);
    }
  }
  call.output.answer({ recovered: true }, () => ['the new passphrase is set, and the vault is unlocked']);
  return EXIT.done;
}
