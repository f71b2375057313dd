// Appends events to the log in FOLDER and says on stdout which were acknowledged, by number, or what failed, by code.
// audit-appender.ts FOLDER EVENTS LABEL COUNT

import { randomBytes } from 'node:crypto';
import { AuditLog } from '../../src/audit/log.ts';
import { Failure } from '../../src/core/failure.ts';
import { keysOf } from '../audit/house.ts';

const [folder = '', events = '', label = '', count = '0'] = process.argv.slice(2);
const log = AuditLog.open({ files: { folder, events }, now: () => Date.now(), random: randomBytes });
log.unlock(keysOf());
let failures = 0;
for (let i = 0; i < Number(count) && failures < 3; i += 1) {
  try {
    await log.append({ event: 'requested', facts: { count: i, runId: label }, names: { reason: 'a child appends' } });
    process.stdout.write(`${i}\n`);
  } catch (error) {
    failures += 1;
    process.stdout.write(`${Failure.from(error).code}\n`);
  }
}
