// A daemon that starts one run and waits to be killed. argv: the path of a script.

import { readFileSync } from 'node:fs';
import { LAUNCHER, script } from '../delivery/jobs.ts';
import { Runners } from '../../src/delivery/run.ts';

const [, , file = ''] = process.argv;
const runners = new Runners(LAUNCHER, 0);
const running = runners.run(script(readFileSync(file, 'utf8')));
const { pid } = await running.started;
process.stdout.write(`${pid}\n`);
await running.ended;
