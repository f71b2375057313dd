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

/**
 * The MCP server starts with every task of an agent. As a CommonJS file it is loaded in one go, which takes a little off
 * its start; so the program asks for that file where the source imports the door.
 */
const MCP_DOOR: Plugin = {
  name: 'mcp-door',
  setup(bundle) {
    bundle.onResolve({ filter: /\/doors\/mcp\/serve\.ts$/ }, ({ kind }) => {
      return kind === 'dynamic-import' ? { path: 'mcp.cjs', namespace: 'door' } : null;
    });
    bundle.onLoad({ filter: /^mcp\.cjs$/, namespace: 'door' }, ({ path }) => ({
      contents: `import { createRequire } from 'node:module';
        export const { serveMcp } = createRequire(import.meta.url)('./${path}');`,
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

/** kdbxweb asks for `crypto` by require, which a bundle of ES modules does not have: here it gets an ES module. */
const BUILT_INS: Plugin = {
  name: 'built-ins',
  setup(bundle) {
    bundle.onResolve({ filter: /^crypto$/ }, ({ kind }) => {
      return kind === 'require-call' ? { path: 'crypto', namespace: 'built-in' } : null;
    });
    bundle.onLoad({ filter: /.*/, namespace: 'built-in' }, ({ path }) => ({
      contents: `export * from 'node:${path}';`,
    }));
  },
};

await build({
  ...COMMON,
  entryPoints: ENTRIES,
  format: 'esm',
  splitting: true,
  chunkNames: 'chunk-[hash]',
  plugins: [MCP_DOOR, BUILT_INS],
});
await build({
  ...COMMON,
  entryPoints: { mcp: 'src/doors/mcp/serve.ts' },
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  minifyWhitespace: true,
  plugins: [NO_OAUTH],
});
if (existsSync('dist')) renameSync('dist', STALE);
renameSync(FRESH, 'dist');
rmSync(STALE, { recursive: true, force: true });
chmodSync('bin/keystile', 0o755);
