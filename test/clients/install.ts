// The real clients, from npm, in a folder git does not see. 400 MB, so they are no devDependencies.

import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../house.ts';

export const VERSIONS = { '@openai/codex': '0.169.0', '@anthropic-ai/claude-code': '2.1.330' } as const;
const CACHE = join(ROOT, '.cache', 'clients');

export interface Clients {
  /** Folders to put on the PATH. */
  readonly bin: string;
  readonly codex: string;
  readonly claude: string;
}

/** Installs what is not there yet. Throws when the registry cannot be reached. */
export function installClients(): Clients {
  const stamp = join(CACHE, 'installed.json');
  const wanted = JSON.stringify(VERSIONS);
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    mkdirSync(CACHE, { recursive: true });
    writeFileSync(join(CACHE, 'package.json'), JSON.stringify({ private: true, dependencies: VERSIONS }));
    // Claude Code's package only links its binary into place in a script; codex's needs none.
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'], {
      cwd: CACHE,
      stdio: 'inherit',
    });
    writeFileSync(stamp, wanted);
  }
  const [codex] = globSync(join(CACHE, 'node_modules/@openai/codex-*/vendor/*/bin/codex'));
  if (codex === undefined) throw new Error('the codex package has no binary for this machine');
  const bin = join(CACHE, 'node_modules', '.bin');
  return { bin, codex, claude: join(bin, 'claude') };
}
