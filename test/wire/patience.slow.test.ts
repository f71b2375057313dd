// What ends only with time. The tests wait at once, so that the file takes as long as the longest of them.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { suite, test } from 'node:test';
import { connect } from '../../src/wire/client.ts';
import { encodeFrame } from '../../src/wire/frames.ts';
import { makeDaemonIdentity } from '../../src/wire/identity.ts';
import { writePrivateAtomic } from '../../src/machine/private-files.ts';
import { RawPeer, startDaemon, temporaryHome } from './daemon.ts';

void suite('patience has an end', { concurrency: true }, () => {
  void test('S03: a listener that never answers is no daemon', async () => {
    using home = temporaryHome();
    writePrivateAtomic(home.paths.daemonKey, makeDaemonIdentity().keyFile);
    const server = createServer((socket) => socket.on('error', () => undefined).resume());
    await new Promise<void>((resolve) => server.listen(home.paths.controlSocket, resolve));
    await assert.rejects(connect({ paths: home.paths, socket: 'control' }), { code: 'daemon/impostor' });
    server.close();
  });

  void test('I8: a peer that says no hello is sent away', async () => {
    await using daemon = await startDaemon({});
    const peer = new RawPeer(daemon.paths.agentSocket);
    await peer.closed();
    assert.equal(peer.frames.length, 0);
  });

  void test('I8: a frame that never becomes whole is not waited for, however it trickles', async () => {
    await using daemon = await startDaemon({});
    const silent = await RawPeer.greeted(daemon.paths, 'control');
    const trickling = await RawPeer.greeted(daemon.paths, 'control');
    const idle = await RawPeer.greeted(daemon.paths, 'control');
    const frame = encodeFrame({ id: 1, method: 'status', params: {} });
    silent.sendBytes(frame.subarray(0, 9));
    let sent = 0;
    const drip = setInterval(() => trickling.sendBytes(frame.subarray(sent, (sent += 1))), 500);
    await Promise.all([silent.closed(), trickling.closed()]);
    clearInterval(drip);
    assert.deepEqual(daemon.seen, []);
    // A connection on which nothing has begun may be silent for as long as it likes.
    idle.sendBytes(frame);
    assert.equal((await idle.message()).id, 1);
  });
});
