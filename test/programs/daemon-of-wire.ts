// A daemon with nothing but the wire: takes the lock of its home, says on descriptor 3 how that went, answers `status`.
// With KEYSTILE_HOME's folder holding a file `fail-start` it fails in the way that file says.

import { existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../src/core/failure.ts';
import { lockExclusive } from '../../src/machine/native.ts';
import { homePaths } from '../../src/machine/paths.ts';
import { ensurePrivateFolder } from '../../src/machine/private-files.ts';
import { READY_DESCRIPTOR } from '../../src/wire/start.ts';
import { startDaemon } from '../wire/daemon.ts';

const paths = homePaths();
ensurePrivateFolder(paths.run);
const failing = join(paths.home, 'fail-start');
const how = existsSync(failing) ? readFileSync(failing, 'utf8') : '';

if (how === 'silently') process.exit(1);
if (how === 'clearly') fail(new Failure('machine/not_hardened', 'the test wants it so'));
if (!lockExclusive(openSync(paths.lock, 'w', 0o600))) fail(new Failure('home/in_use', 'somebody was quicker'));

writeFileSync(join(paths.home, 'started'), JSON.stringify({ pid: process.pid, cwd: process.cwd(), env: process.env }), {
  flag: 'wx',
});
await startDaemon({ 'daemon.stop': () => process.exit(0) }, {}, paths);
writeSync(READY_DESCRIPTOR, 'ready\n');

function fail(failure: Failure): never {
  writeSync(READY_DESCRIPTOR, `${JSON.stringify(failure.toDocument())}\n`);
  process.exit(1);
}
