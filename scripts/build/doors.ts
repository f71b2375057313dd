// What bin/keystile starts and the doors it opens, each as one CommonJS file: loaded in one go, and each module in it runs
// when it is first asked for. As ten files of ECMAScript the command line took 15 ms more to start. The first file is small:
// nothing of it is compiled beforehand.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildOptions, Plugin } from 'esbuild';

/**
 * What main.ts imports → what it finds. Compiled beforehand is nothing, what every command begins with, or all of it: of the
 * many commands of one file each uses a little, and reading what was compiled for the others takes longer than it saves;
 * a run uses nearly half of its own file, and is 7 ms shorter.
 */
export const DOORS = {
  cache: { source: 'src/machine/compile-cache.ts', compiled: 'nothing' },
  mcp: { source: 'src/doors/mcp/serve.ts', compiled: 'nothing' },
  cli: { source: 'src/doors/cli/cli.ts', compiled: 'start' },
  values: { source: 'src/doors/cli/value-commands.ts', compiled: 'all' },
} as const;
type Door = keyof typeof DOORS;
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its own keys
const NAMES = Object.keys(DOORS) as Door[];

/** The program asks for those files where the source imports the doors. */
export const DOORS_IN_ONE: Plugin = {
  name: 'doors-in-one',
  setup(bundle) {
    bundle.onResolve({ filter: /\.ts$/ }, ({ kind, path }) => {
      const name = NAMES.find((door) => DOORS[door].source === `src/${path.slice(2)}`);
      return kind === 'dynamic-import' && name !== undefined ? { path: name, namespace: 'door' } : null;
    });
    bundle.onResolve({ filter: /^\.\/\w+\.cjs$/, namespace: 'door' }, ({ path }) => ({ path, external: true }));
    bundle.onLoad({ filter: /./, namespace: 'door' }, ({ path: name }) => {
      const isCompiled = NAMES.some((door) => door === name && DOORS[door].compiled !== 'nothing');
      const contents = isCompiled
        ? `const { loadCompiled } = require('./scripts/build/compiled.js'); module.exports = loadCompiled('${name}.cjs');`
        : `module.exports = require('./${name}.cjs');`;
      return { contents, resolveDir: '.' };
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
  define: { 'import.meta.url': 'moduleUrl', 'import.meta.dirname': '__dirname' },
  banner: { js: "'use strict'; const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
  plugins: [NO_OAUTH],
};

/**
 * Leaves what V8 made of a door beside it, which takes 8 ms and more off every start (compiled.js reads it). It is made by the
 * Node and with the flags of bin/keystile, and is of no use to any other. Nobody can write it who could not write the
 * program itself: unlike a compile cache in the home, which would be the agents' to write.
 */
export function writeCompiled(dist: string): void {
  const maker = `
    const { loadCompiled } = await import(${JSON.stringify(join(process.cwd(), 'scripts/build/compiled.js'))});
    const { writeFileSync } = await import('node:fs');
    const { setFlagsFromString } = await import('node:v8');
    const [path, file, isAll] = process.argv.slice(1);
    // Otherwise V8 compiles a function when it is first called. The flag is part of what it compares.
    if (isAll === 'true') setFlagsFromString('--no-lazy');
    loadCompiled(file, path, (script, name) => {
      setFlagsFromString('--lazy');
      writeFileSync(path + '/' + name, script.createCachedData());
    });
  `;
  for (const name of NAMES) {
    const { compiled } = DOORS[name];
    if (compiled === 'nothing') continue;
    const words = [maker, join(process.cwd(), dist), `${name}.cjs`, String(compiled === 'all')];
    const argv = [...launcherFlags(), '--input-type=module', '-e', ...words];
    const { status, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${name}.cjs could not be compiled: ${stderr}`);
  }
}

/** Those of bin/keystile: V8 refuses what was compiled with other flags. */
export function launcherFlags(): string[] {
  const words = readFileSync('bin/keystile', 'utf8').replaceAll('\\\n', ' ');
  const flags = /^exec "\$_ks_node" (.*?) +-- +"\$_ks_root/m.exec(words)?.[1]?.split(/ +/) ?? [];
  if (flags.length === 0) throw new Error('bin/keystile does not start node as it used to');
  return flags;
}
