// A file system of an attacker, mounted on top of the daemon's, with one file in it that has what the attacker likes.

import { closeSync, writevSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { FromThread } from '../../src/delivery/mount/fuse-messages.ts';
import { answerHeader, openAnswer } from '../../src/delivery/mount/fuse-protocol.ts';
import { mountFuse, unmountFuse } from '../../src/machine/fuse-device.ts';
import { makePipe } from '../../src/machine/native.ts';

const THREAD = new URL('../../src/delivery/mount/fuse-thread.ts', import.meta.url);

/** `FOLDER/inner/name` has these bytes from now on, until the returned function is called. */
export async function mountOver(
  folder: string,
  inner: string,
  name: string,
  bytes: Buffer,
): Promise<() => Promise<void>> {
  const device = await mountFuse(folder);
  const { readFd, writeFd } = makePipe();
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  const worker = new Worker(THREAD, { workerData: { device, wake: readFd, uid, gid } });
  const answer = (unique: bigint, body: Buffer): void => {
    writevSync(device, [answerHeader(unique, 0, body.length), body]);
  };
  const ready = Promise.withResolvers<void>();
  worker.on('message', (message: FromThread) => {
    if (message.kind === 'ready') ready.resolve();
    if (message.kind === 'open') {
      const { mount, node, opener, unique } = message;
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is about windows of a browser
      worker.postMessage({ kind: 'opened', mount, node, opener, handle: 1, size: bytes.length });
      answer(unique, openAnswer(1));
    }
    if (message.kind === 'read') answer(message.unique, bytes.subarray(message.offset, message.offset + message.size));
  });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is about windows of a browser
  worker.postMessage({ kind: 'add', mount: 1, folder: inner, name });
  await ready.promise;
  return async () => {
    await unmountFuse(folder);
    closeSync(writeFd);
    await worker.terminate();
    for (const fd of [readFd, device]) closeSync(fd);
  };
}
