// Connects to the socket named by its argument, says what comes on stdin, prints what it hears until the end, in hex.

import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';

const socket = createConnection({ path: process.argv[2] ?? '' });
socket.on('connect', () => socket.write(readFileSync(0)));
socket.on('data', (chunk: Buffer) => process.stdout.write(chunk.toString('hex')));
socket.on('error', (error: NodeJS.ErrnoException) => process.stderr.write(`${error.code}\n`));
