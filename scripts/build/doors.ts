// The two doors of the program, each as one CommonJS file: loaded in one go, and each module in it runs when it is first
// asked for. As ten files of ECMAScript the command line took 15 ms more to start.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildOptions, Plugin } from 'esbuild';

/** What main.ts imports → what it finds. */
export const DOORS = {
  mcp: { source: 'src/doors/mcp/serve.ts', name: 'serveMcp', loader: 'require' },
  cli: { source: 'src/doors/cli/cli.ts', name: 'runCli', loader: 'loadCompiled' },
} as const;

/** The program asks for those files where the source imports the doors. */
export const DOORS_IN_ONE: Plugin = {
  name: 'doors-in-one',
  setup(bundle) {
    bundle.onResolve({ filter: /\/doors\/(?:mcp\/serve|cli\/cli)\.ts$/ }, ({ kind, path }) => {
      const name = path.includes('/mcp/') ? 'mcp' : 'cli';
      return kind === 'dynamic-import' ? { path: name, namespace: 'door' } : null;
    });
    bundle.onLoad({ filter: /^(?:mcp|cli)$/, namespace: 'door' }, ({ path }) => {
      const { name, loader } = DOORS[path === 'mcp' ? 'mcp' : 'cli'];
      const imports =
        loader === 'require'
          ? `const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);`
          : `import { loadCompiled } from './scripts/build/compiled.js';`;
      return { contents: `${imports} export const { ${name} } = ${loader}('./${path}.cjs');`, resolveDir: '.' };
    });
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

/** For all that is built. */
export const COMMON_OPTIONS: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  external: ['koffi'],
  alias: { '@modelcontextprotocol/server/_shims': './src/doors/mcp/sdk-shims.ts' },
  minifySyntax: true,
  legalComments: 'linked',
  logLevel: 'warning',
};

/** How a door becomes one file. */
export const DOOR_OPTIONS: BuildOptions = {
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  minifyWhitespace: true,
  // What a module of ECMAScript knows of itself, and that it is strict.
  define: { 'import.meta.url': 'moduleUrl' },
  banner: { js: "'use strict'; const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
  plugins: [NO_OAUTH],
};

/**
 * Leaves what V8 made of cli.cjs beside it, which takes 8 ms off every start (compiled.js reads it). It is made by the
 * Node and with the flags of bin/keystile, and is of no use to any other. Nobody can write it who could not write the
 * program itself: unlike a compile cache in the home, which would be the agents' to write.
 */
export function writeCompiled(dist: string): void {
  const maker = `
    const { loadCompiled } = await import(${JSON.stringify(join(process.cwd(), 'scripts/build/compiled.js'))});
    const { writeFileSync } = await import('node:fs');
    const [path] = process.argv.slice(1);
    const { runCli } = loadCompiled('./cli.cjs', 'file://' + path + '/', (bytes, name) => writeFileSync(path + '/' + name, bytes));
  `;
  const { status, stderr } = spawnSync(
    process.execPath,
    [...launcherFlags(), '--input-type=module', '-e', maker, join(process.cwd(), dist)],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`cli.cjs could not be compiled: ${stderr}`);
}

/** V8 refuses what was compiled with other flags. */
function launcherFlags(): string[] {
  const words = readFileSync('bin/keystile', 'utf8').replaceAll('\\\n', ' ');
  const flags = /^exec "\$node" (.*?) +-- +"\$root/m.exec(words)?.[1]?.split(/ +/) ?? [];
  if (flags.length === 0) throw new Error('bin/keystile does not start node as it used to');
  return flags;
}
