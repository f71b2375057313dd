// The MCP servers that are measured side by side: ours, the least there can be, and takescake from npm.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type House, ROOT } from '../../test/house.ts';
import { progress } from './figures.ts';
import type { Launch } from './stdio-peer.ts';

const PEER = { name: '@takescake/1password-mcp', version: '4.0.2' } as const;
const BARE = fileURLToPath(new URL('bare-server.mjs', import.meta.url));

export interface Servers {
  /** What `keystile setup codex` registers. */
  readonly launcher: Launch;
  /** The same without the shell in front. */
  readonly direct: Launch;
  readonly bare: Launch;
  /** Null when it could not be installed. */
  readonly takescake: Launch | null;
}

export function serversFor(house: House): Servers {
  const { env, project: cwd, launcher } = house;
  const node = process.execPath;
  const script = installedPeer();
  return {
    launcher: { command: launcher, args: ['mcp'], env, cwd },
    direct: { command: node, args: [join(ROOT, 'dist', 'keystile.js'), 'mcp'], env, cwd },
    bare: { command: node, args: [BARE], env, cwd },
    // The token opens nothing; it is asked for at the first call that needs 1Password, and none here does.
    takescake:
      script === null
        ? null
        : { command: node, args: [script], env: { ...env, OP_SERVICE_ACCOUNT_TOKEN: 'ops_none' }, cwd },
  };
}

/** Installs the peer into the ignored cache folder, once. */
function installedPeer(): string | null {
  const folder = join(ROOT, '.cache', 'bench');
  const script = join(folder, 'node_modules', PEER.name, 'bin', '1password-mcp.js');
  if (existsSync(script)) return script;
  progress(`installing ${PEER.name} ${PEER.version} into .cache/bench`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"private":true}\n');
    const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--silent'];
    execFileSync('npm', ['install', ...flags, `${PEER.name}@${PEER.version}`], { cwd: folder, stdio: 'ignore' });
    return existsSync(script) ? script : null;
  } catch {
    return null;
  }
}
