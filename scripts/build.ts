// npm run build: one small bundle for each process, so that no command loads what it does not use.

import { chmodSync, existsSync, renameSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

const ENTRIES = {
  keystile: 'src/main.ts',
  daemon: 'src/daemon.ts',
  runner: 'src/delivery/runner.ts',
};

// Made beside and moved into place: a program that runs meanwhile does not find half of itself.
const FRESH = `dist.${process.pid}`;
const STALE = `dist.${process.pid}.old`;
await build({
  entryPoints: ENTRIES,
  outdir: FRESH,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  external: ['koffi'],
  alias: { '@modelcontextprotocol/server/_shims': './src/doors/mcp/sdk-shims.ts' },
  minifySyntax: true,
  legalComments: 'linked',
  chunkNames: 'chunk-[hash]',
  logLevel: 'warning',
});
if (existsSync('dist')) renameSync('dist', STALE);
renameSync(FRESH, 'dist');
rmSync(STALE, { recursive: true, force: true });
chmodSync('bin/keystile', 0o755);
