// npm run build: one small bundle for each process, so that no command loads what it does not use.

import { chmodSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { build, type BuildOptions, type Plugin } from 'esbuild';

const ENTRIES = {
  keystile: 'src/main.ts',
  daemon: 'src/daemon.ts',
  runner: 'src/delivery/runner.ts',
  'fuse-thread': 'src/delivery/mount/fuse-thread.ts',
};

// Made beside and moved into place: a program that runs meanwhile does not find half of itself.
const FRESH = `dist.${process.pid}`;
const STALE = `dist.${process.pid}.old`;
const COMMON: BuildOptions = {
  outdir: FRESH,
  bundle: true,
  platform: 'node',
  target: 'node24',
  external: ['koffi'],
  alias: { '@modelcontextprotocol/server/_shims': './src/doors/mcp/sdk-shims.ts' },
  minifySyntax: true,
  legalComments: 'linked',
  logLevel: 'warning',
};

/** The two doors, each as one file: what main.ts imports → what it finds. */
const DOORS = {
  mcp: { source: 'src/doors/mcp/serve.ts', name: 'serveMcp' },
  cli: { source: 'src/doors/cli/cli.ts', name: 'runCli' },
} as const;

/**
 * The MCP server starts with every task of an agent, the command line with everything a person does. As one CommonJS
 * file a door is loaded in one go, and each module in it runs when it is first asked for; as ten files of ECMAScript the
 * command line took 15 ms more. So the program asks for those files where the source imports the doors.
 */
const DOORS_IN_ONE: Plugin = {
  name: 'doors-in-one',
  setup(bundle) {
    bundle.onResolve({ filter: /\/doors\/(?:mcp\/serve|cli\/cli)\.ts$/ }, ({ kind, path }) => {
      const name = path.includes('/mcp/') ? 'mcp' : 'cli';
      return kind === 'dynamic-import' ? { path: name, namespace: 'door' } : null;
    });
    bundle.onLoad({ filter: /^(?:mcp|cli)$/, namespace: 'door' }, ({ path }) => ({
      contents: `import { createRequire } from 'node:module';
        export const { ${DOORS[path === 'mcp' ? 'mcp' : 'cli'].name} } = createRequire(import.meta.url)('./${path}.cjs');`,
    }));
  },
};

/**
 * The SDK makes a quarter of its schemas for OAuth, which a server on standard input has no use for; all it does with
 * them is to keep them by name. Here they are nothing.
 */
const NO_OAUTH: Plugin = {
  name: 'no-oauth',
  setup(bundle) {
    bundle.onLoad({ filter: /@modelcontextprotocol\/core\/dist\/auth-[^/]+\.mjs$/ }, ({ path }) => {
      const names = /export \{([^}]*)\}/.exec(readFileSync(path, 'utf8'))?.[1] ?? '';
      return { contents: `const none = undefined; export {${names.replaceAll(/\w+ as /g, 'none as ')}};` };
    });
  },
};

await build({
  ...COMMON,
  entryPoints: ENTRIES,
  format: 'esm',
  splitting: true,
  chunkNames: 'chunk-[hash]',
  plugins: [DOORS_IN_ONE],
});
await build({
  ...COMMON,
  entryPoints: { mcp: DOORS.mcp.source, cli: DOORS.cli.source },
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  minifyWhitespace: true,
  // What a module of ECMAScript knows of itself.
  define: { 'import.meta.url': 'moduleUrl' },
  banner: { js: "'use strict'; const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
  plugins: [NO_OAUTH],
});
if (existsSync('dist')) renameSync('dist', STALE);
renameSync(FRESH, 'dist');
rmSync(STALE, { recursive: true, force: true });
chmodSync('bin/keystile', 0o755);
