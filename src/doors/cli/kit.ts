// The recovery kit: a file a human prints or carries away. It is written once, to a file that did not exist.

import { closeSync, fsyncSync, openSync, readFileSync, realpathSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { Failure } from '../../core/failure.ts';

const KIT_BYTES_MAX = 16 * 1024;
const KEY_LABEL = 'Recovery key: ';

/** A new, empty file. Unless it is filled, it is gone at the end. */
export interface KitFile extends Disposable {
  fill(vaultId: string, key: Buffer, madeAt: Date): void;
}

/** Makes the file, 0600. Throws `input/invalid` when it exists or cannot be made: before anything else has happened. */
export function createKit(path: string): KitFile {
  const fd = attempt(path, 'made', () => openSync(path, 'wx', 0o600));
  let isFilled = false;
  return {
    fill(vaultId, key, madeAt) {
      const bytes = kitBytes(vaultId, key, madeAt);
      try {
        attempt(path, 'written', () => {
          for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
          fsyncSync(fd);
        });
        isFilled = true;
      } finally {
        bytes.fill(0);
      }
    },
    [Symbol.dispose]() {
      closeSync(fd);
      if (!isFilled) unlinkSync(path);
    },
  };
}

/** Whoever copies the home would have the key with the lock. Throws `input/invalid`. */
export function refuseKitInHome(path: string, home: string): void {
  const file = join(
    attempt(path, 'made', () => realpathSync(dirname(resolve(path)))),
    'kit',
  );
  if (!file.startsWith(realOrSame(home) + sep)) return;
  throw new Failure('input/invalid', 'a recovery kit beside the vault would undo the passphrase', {
    field: 'FILE',
    hint: 'name a file outside the home of keystile, best on another device',
  });
}

function realOrSame(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** The recovery key in a kit. The caller wipes it. Throws `input/invalid` when the file holds none. */
export function readKit(path: string): Buffer {
  const bytes = attempt(path, 'read', () => {
    if (statSync(path).size > KIT_BYTES_MAX) throw new Error('too large');
    return readFileSync(path);
  });
  const start = bytes.indexOf(KEY_LABEL);
  const end = bytes.indexOf('\n', start);
  const key = Buffer.from(bytes.subarray(start + KEY_LABEL.length, end === -1 ? bytes.length : end));
  bytes.fill(0);
  if (start === -1) throw new Failure('input/invalid', `${path} is not a recovery kit`, { field: 'FILE' });
  return key;
}

function kitBytes(vaultId: string, key: Buffer, madeAt: Date): Buffer {
  return Buffer.concat([
    Buffer.from(
      `Keystile recovery kit\n\nVault:        ${vaultId}\nMade:         ${madeAt.toISOString()}\n${KEY_LABEL}`,
    ),
    key,
    Buffer.from(`

This key and a copy of vault.db open the vault without the passphrase. To set a new one:

  keystile lock
  keystile recover THIS-FILE

Print this page or keep it on a device that stays elsewhere, and delete it here. A newer kit
makes this one useless.
`),
  ]);
}

function attempt<T>(path: string, done: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const isThere = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    throw new Failure('input/invalid', isThere ? `${path} exists already` : `${path} cannot be ${done}`, {
      field: 'FILE',
      hint: isThere ? 'name a new file' : 'name a file in a folder you can use',
      cause,
    });
  }
}
