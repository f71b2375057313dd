// Listens where a daemon should, keeps every byte it is sent, and answers each connection as it was told: `silent`,
// `junk`, or `forged` (a well-formed hello under a key of its own). Arguments: mode, file for the bytes, socket paths.

import { generateKeyPairSync, sign } from 'node:crypto';
import { appendFileSync, chmodSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';

const [mode = '', file = '', ...paths] = process.argv.slice(2);
const { privateKey } = generateKeyPairSync('ed25519');

for (const path of paths) {
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      appendFileSync(file, chunk);
      if (mode === 'junk') socket.write('HTTP/1.1 200 OK\r\n\r\n');
      if (mode === 'forged') socket.write(frame({ hello: 1, version: '0.1.0', signature: proof().toString('base64') }));
    });
  });
  await new Promise<void>((settle) => {
    server.listen(path, settle);
  });
  chmodSync(path, 0o600);
}
process.stdout.write('ready\n');
process.stdin.resume().on('end', () => process.exit(0));

function proof(): Buffer {
  return sign(null, Buffer.from('keystile/hello/1'), privateKey);
}

function frame(message: object): Buffer {
  const json = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(8);
  head.writeUInt32BE(json.length + 4, 0);
  head.writeUInt32BE(json.length, 4);
  return Buffer.concat([head, json]);
}
