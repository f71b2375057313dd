// npm run build: one small bundle for each process, so that no command loads what it does not use.

import { chmodSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { build, type BuildOptions } from 'esbuild';
import { COMMON_OPTIONS, DOOR_OPTIONS, DOORS, DOORS_IN_ONE, writeCompiled } from './build/doors.ts';

const ENTRIES = {
  daemon: 'src/daemon.ts',
  runner: 'src/delivery/runner.ts',
  'fuse-thread': 'src/delivery/mount/fuse-thread.ts',
};

// Made beside and moved into place: a program that runs meanwhile does not find half of itself.
const FRESH = `dist.${process.pid}`;
const STALE = `dist.${process.pid}.old`;
const COMMON: BuildOptions = { ...COMMON_OPTIONS, outdir: FRESH };

await build({
  ...COMMON,
  entryPoints: ENTRIES,
  format: 'esm',
  splitting: true,
  chunkNames: 'chunk-[hash]',
});
await build({ ...COMMON, ...DOOR_OPTIONS, entryPoints: { keystile: 'src/main.ts' }, plugins: [DOORS_IN_ONE] });
const doors = Object.entries(DOORS).map(([name, { source }]) => [name, source]);
await build({ ...COMMON, ...DOOR_OPTIONS, entryPoints: Object.fromEntries(doors) });
// Where it was started from before: clients of MCP may have this name in their settings.
writeFileSync(`${FRESH}/keystile.js`, "import './keystile.cjs';\n");
writeCompiled(FRESH);
if (existsSync('dist')) renameSync('dist', STALE);
renameSync(FRESH, 'dist');
rmSync(STALE, { recursive: true, force: true });
chmodSync('bin/keystile', 0o755);
