// What a spare runner does while it waits: everything a run does, once, with a value that is none. The first run of any
// code is many times slower than the second, and this takes it off the time somebody waits. Measured: it halves the time of a run.

import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { pad, unpad } from '../core/padding.ts';
import { NeedleSet, Redactor } from '../core/redactor.ts';
import { KEY_BYTES, NONCE_BYTES, openXaes, sealXaes } from '../core/xaes.ts';
import { fileFacts } from '../machine/digest.ts';
import { Child } from './child.ts';
import { childEnvironment } from './environment.ts';
import { Output } from './output.ts';
import { everythingBelow } from './tree.ts';

/** Does nothing and is on every system; where it is not, failing to start it is rehearsed. */
const PROGRAM = '/usr/bin/true';
const TIMEOUT_MS = 1_000;

/** Goes through all steps, as long as `isWanted`. Never throws: a rehearsal that fails is over. */
export async function rehearse(isWanted: () => boolean): Promise<void> {
  const value = Buffer.from(randomBytes(24).toString('base64url'));
  const steps = [
    () => everythingBelow().length,
    () => openSealed(value),
    () => mask(value),
    async () => await fileFacts(PROGRAM),
    async () => await start(value),
  ];
  try {
    for (const step of steps) {
      // A job that came meanwhile goes first.
      await turn();
      if (!isWanted()) return;
      await step();
    }
  } catch {
    // Whatever is wrong, the run will say it.
  }
}

function openSealed(value: Buffer): number {
  const [key, nonce, aad] = [randomBytes(KEY_BYTES), randomBytes(NONCE_BYTES), Buffer.alloc(0)];
  return unpad(openXaes(key, nonce, sealXaes(key, nonce, pad(value), aad), aad)).length;
}

function mask(value: Buffer): Buffer {
  const needles = NeedleSet.compile([{ name: 'REHEARSAL', value }]);
  const output = new Output(new Redactor(needles));
  output.push(Buffer.concat([Buffer.from('a line\nand '), value, Buffer.from('\n')]));
  output.end();
  needles.wipe();
  return output.bytes();
}

async function start(value: Buffer): Promise<void> {
  const needles = NeedleSet.compile([]);
  const environment = childEnvironment({}, {}, [{ name: 'REHEARSAL', value }], 'rehearsal');
  const [stdout, stderr] = [new Output(new Redactor(needles)), new Output(new Redactor(needles))];
  const argv = [PROGRAM];
  const plan = { program: PROGRAM, argv, environment, stdin: null, stdout, stderr, timeoutMs: TIMEOUT_MS };
  await (
    await Child.start(plan)
  ).ended;
}
