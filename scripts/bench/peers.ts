// What we are measured beside, from npm.

import { cachedPackages } from '../cached-packages.ts';
import { progress } from './figures.ts';

const VERSIONS = {
  '@dotenvx/dotenvx': '2.38.2',
  '@takescake/1password-mcp': '4.0.2',
  'dotenv-cli': '11.0.0',
  'env-cmd': '11.0.0',
  varlock: '1.20.0',
} as const;

/** The folder `node_modules` they are in. Throws when they are not there and the registry cannot be reached. */
export function installPeers(): string {
  return cachedPackages('bench', VERSIONS, progress);
}
