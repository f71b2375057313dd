// Says things to a socket of the daemon that no client of ours would say. Arguments: socket path, what, and for
// `methods` a JSON list of method names. Prints what came back as JSON: {answers, closed}.

import { randomBytes } from 'node:crypto';
import { createConnection } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const [path = '', what = '', list = '[]'] = process.argv.slice(2);
/** Longer than any answer takes, and than the daemon waits before it hangs up on half a hello. */
const PATIENCE_MS = 8_000;

const socket = createConnection(path);
let received = Buffer.alloc(0);
let isClosed = false;
let error = '';
socket.on('data', (chunk) => (received = Buffer.concat([received, chunk])));
socket.on('error', (cause: NodeJS.ErrnoException) => (error = cause.code ?? 'error'));
const closed = new Promise<void>((settle) => {
  socket.on('close', () => {
    isClosed = true;
    settle();
  });
});

await speak();
process.stdout.write(JSON.stringify({ answers: frames(), closed: isClosed, error }));
process.exit(0);

async function speak(): Promise<void> {
  const methods: string[] = JSON.parse(list);
  const status = frame({ id: 1, method: 'status', params: {} });
  switch (what) {
    case 'connect':
      socket.write(hello());
      await Promise.race([closed, answers(1)]);
      return;
    case 'methods':
      socket.write(hello());
      for (const [i, method] of methods.entries()) {
        socket.write(frame({ id: i + 1, method, params: {} }));
        await Promise.race([closed, answers(i + 2)]);
      }
      return;
    case 'split':
      for (const byte of Buffer.concat([hello(), status])) {
        socket.write(Buffer.from([byte]));
        await delay(0);
      }
      await Promise.race([closed, answers(2)]);
      return;
    case 'unknown':
      socket.write(hello());
      await answers(1);
      for (let i = 1; i <= 200; i += 1) socket.write(frame({ id: i, method: `no.such.${i}`, params: {} }));
      await Promise.race([closed, answers(201)]);
      return;
  }
  if (what !== 'random') {
    socket.write(hello());
    await Promise.race([closed, answers(1)]);
  }
  socket.write(bad());
  await Promise.race([closed, delay(PATIENCE_MS)]);
}

function bad(): Buffer {
  switch (what) {
    case 'oversized':
      return Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 4]);
    case 'deep':
      return raw(Buffer.from(`{"id":1,"method":"status","params":${'['.repeat(100_000)}${']'.repeat(100_000)}}`));
    case 'nul':
      return raw(Buffer.from('{"id":1,"method":"sta\0tus","params":{}}'));
    case 'proto':
      return raw(Buffer.from('{"id":1,"method":"status","params":{"__proto__":{"approved":true}}}'));
    case 'duplicate':
      return raw(Buffer.from('{"id":1,"method":"status","method":"vault.lock","params":{}}'));
    case 'not-utf8':
      return raw(Buffer.from([0x7b, 0xff, 0xfe, 0x7d]));
    case 'parts':
      return raw(Buffer.from('{"id":1,"method":"status","params":{},"parts":[4294967295]}'));
    default:
      return randomBytes(64 * 1024);
  }
}

function hello(): Buffer {
  return frame({ hello: 1, nonce: randomBytes(32).toString('base64') });
}

function frame(message: object): Buffer {
  return raw(Buffer.from(JSON.stringify(message)));
}

function raw(json: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(json.length + 4, 0);
  head.writeUInt32BE(json.length, 4);
  return Buffer.concat([head, json]);
}

/** The messages that are whole. */
function frames(): unknown[] {
  const messages: unknown[] = [];
  for (let at = 0; received.length >= at + 8;) {
    const length = received.readUInt32BE(at);
    const end = at + 8 + received.readUInt32BE(at + 4);
    if (received.length < at + 4 + length) break;
    messages.push(JSON.parse(received.toString('utf8', at + 8, end)));
    at += 4 + length;
  }
  return messages;
}

async function answers(count: number): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  while (frames().length < count && Date.now() < until && !socket.closed) await delay(5);
}
