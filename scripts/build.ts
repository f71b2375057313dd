// npm run build: one small bundle for each process, so that no command loads what it does not use.

import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

const ENTRIES = {
  keystile: 'src/main.ts',
  daemon: 'src/daemon.ts',
  runner: 'src/delivery/runner.ts',
};

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: ENTRIES,
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  external: ['koffi'],
  define: { KEYSTILE_VERSION: JSON.stringify(version) },
  minifySyntax: true,
  legalComments: 'linked',
  chunkNames: 'chunk-[hash]',
  logLevel: 'warning',
});
chmodSync('bin/keystile', 0o755);
