// Files of items on their way between the disk and the vault. This process reads and writes them, not the daemon.

import { closeSync, fsyncSync, openSync, readSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { EXIT, Failure, type ExitCode } from '../../core/failure.ts';
import { FILE_BYTES_MAX } from '../../core/item.ts';
import { usage, type Call } from './command.ts';
import { callForItem, namedItem } from './item-names.ts';

const CHUNK_BYTES = 64 * 1024;
/** No folder, and nothing hidden: an import decides what its files are called. */
const PLAIN_FILE_NAME = /^[^./][^/]*$/;

export function nameOfFile(path: string): string {
  return basename(resolve(path));
}

/** All of it; the caller wipes it. Throws `file/unreadable`, `input/too_large`. */
export function readFileToAttach(path: string): Buffer {
  const fd = attempt('file/unreadable', 'the file cannot be read', () => openSync(path, 'r'));
  const chunks: Buffer[] = [];
  try {
    for (let bytes = 0; ;) {
      const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      chunks.push(chunk);
      const read = attempt('file/unreadable', 'the file cannot be read', () => readSync(fd, chunk));
      chunks[chunks.length - 1] = chunk.subarray(0, read);
      bytes += read;
      if (bytes > FILE_BYTES_MAX) throw new Failure('input/too_large', `a file has at most ${FILE_BYTES_MAX} bytes`);
      if (read === 0) return Buffer.concat(chunks);
    }
  } finally {
    for (const chunk of chunks) chunk.fill(0);
    closeSync(fd);
  }
}

export async function saveFile(call: Call): Promise<ExitCode> {
  const place = { section: call.flag('section') ?? null, field: call.argument('FILE') };
  const path = resolve(call.flag('out-file') ?? placeHere(place.field));
  const named = namedItem(call);
  const { item } = (await callForItem(call, 'item.get', named)).result;
  using file = newFile(path, call.has('force'));
  const params = { item: item.itemId, place };
  const { parts } = await call.human.withPassphrase(
    'Passphrase to save this file',
    async (passphrase) => await callForItem(call, 'item.file_get', params, { parts: [passphrase] }),
  );
  const [content = Buffer.alloc(0)] = parts;
  const bytes = content.length;
  try {
    file.fill(content);
  } finally {
    content.fill(0);
  }
  call.output.answer({ path, bytes }, () => [`wrote ${bytes} bytes to ${path}`]);
  return EXIT.done;
}

/** Its own name in this folder, unless that would lead elsewhere or make a file that programs read by themselves. */
function placeHere(name: string): string {
  if (PLAIN_FILE_NAME.test(name)) return name;
  throw usage('that name is none for a file here', 'say where it goes: --out-file PATH');
}

/** A new file, 0600: where it belongs once it is filled, and gone when it is not. */
interface NewFile extends Disposable {
  fill(bytes: Buffer): void;
}

/** Made before anybody types a passphrase. Throws `file/exists`, `machine/io`. */
function newFile(path: string, isForced: boolean): NewFile {
  const made = isForced ? `${path}.${process.pid}.new` : path;
  const fd = attempt('machine/io', 'the file cannot be written', () => openSync(made, 'wx', 0o600));
  let isFilled = false;
  return {
    fill(bytes) {
      attempt('machine/io', 'the file cannot be written', () => {
        for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
        fsyncSync(fd);
        if (made !== path) renameSync(made, path);
      });
      isFilled = true;
    },
    [Symbol.dispose]() {
      closeSync(fd);
      if (!isFilled) unlinkSync(made);
    },
  };
}

function attempt<T>(code: 'file/unreadable' | 'machine/io', message: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
    if (why === 'EEXIST') throw new Failure('file/exists', 'there is something at that path already', { cause });
    throw new Failure(code, `${message}: ${why}`, { cause });
  }
}
