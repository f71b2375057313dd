// npm run build: one small bundle for each process, so that no command loads what it does not use.

import { chmodSync, existsSync, renameSync, rmSync } from 'node:fs';
import { build, type BuildOptions } from 'esbuild';
import { COMMON_OPTIONS, DOOR_OPTIONS, DOORS, DOORS_IN_ONE, writeCompiled } from './build/doors.ts';

const ENTRIES = {
  keystile: 'src/main.ts',
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
  plugins: [DOORS_IN_ONE],
});
await build({ ...COMMON, ...DOOR_OPTIONS, entryPoints: { mcp: DOORS.mcp.source, cli: DOORS.cli.source } });
writeCompiled(FRESH);
if (existsSync('dist')) renameSync('dist', STALE);
renameSync(FRESH, 'dist');
rmSync(STALE, { recursive: true, force: true });
chmodSync('bin/keystile', 0o755);
