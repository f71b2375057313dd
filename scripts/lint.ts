// npm run lint: oxlint with types, knip and publint, each on named folders and each with a count of what it looked at.

import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';

const FOLDERS = ['src', 'test', 'scripts'];
/** Fewer files than this means that a check looks at the wrong place. */
const FILES_MIN = 40;

const files = globSync(FOLDERS.map((folder) => `${folder}/**/*.ts`));
if (files.length < FILES_MIN) fail(`found only ${files.length} files to lint`);

const oxlint = tool('oxlint', ['--type-aware', '--deny-warnings', ...FOLDERS]);
const seen = Number(/on (\d+) files/.exec(oxlint)?.[1] ?? 0);
if (seen < files.length) fail(`oxlint looked at ${seen} of ${files.length} files`);
tool('knip', ['--no-progress']);
tool('publint', ['--strict']);
process.stdout.write(`lint: ${seen} files\n`);

function tool(name: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(name, args, { encoding: 'utf8' });
  if (status !== 0) fail(`${stdout}${stderr}${name} failed`);
  return stdout;
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
