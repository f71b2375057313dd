// The MCP servers that are measured side by side: ours, the least there can be, and takescake from npm.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type House, ROOT } from '../../test/house.ts';
import { installPeers } from './peers.ts';
import type { Launch } from './stdio-peer.ts';

const BARE = fileURLToPath(new URL('bare-server.mjs', import.meta.url));

export interface Servers {
  /** What `keystile setup codex` registers. */
  readonly launcher: Launch;
  /** The same without the shell in front. */
  readonly direct: Launch;
  readonly bare: Launch;
  readonly takescake: Launch;
}

export function serversFor(house: House): Servers {
  const { env, project: cwd, launcher } = house;
  const node = process.execPath;
  const takescake = join(installPeers(), '@takescake/1password-mcp', 'bin', '1password-mcp.js');
  return {
    launcher: { command: launcher, args: ['mcp'], env, cwd },
    direct: { command: node, args: [join(ROOT, 'dist', 'keystile.js'), 'mcp'], env, cwd },
    bare: { command: node, args: [BARE], env, cwd },
    // The token opens nothing; it is asked for at the first call that needs 1Password, and none here does.
    takescake: { command: node, args: [takescake], env: { ...env, OP_SERVICE_ACCOUNT_TOKEN: 'ops_none' }, cwd },
  };
}
