// Items for tests, made as a person makes them: on the command line, values on standard input.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { House } from '../house.ts';

const made = new WeakMap<House, Set<string>>();

/** Changes an item, or makes it, and its vault, first. A value `-` is taken from `input`. */
export async function item(
  house: House,
  vault: string,
  title: string,
  assignments: readonly string[],
  input = '',
): Promise<void> {
  const known = made.get(house) ?? new Set<string>();
  made.set(house, known);
  if (!known.has(vault)) await house.ok(['vault', 'create', vault]);
  known.add(vault);
  const path = `${vault}/${title}`;
  const words = known.has(path) ? ['edit', title, '--vault', vault] : ['create', '--vault', vault, '--title', title];
  known.add(path);
  await house.ok(['item', ...words, ...assignments], input);
}

/** A user name and a password. */
export async function loginItem(
  house: House,
  vault: string,
  title: string,
  username: string,
  password: string,
): Promise<void> {
  await item(house, vault, title, [`username=${username}`, 'password=-'], password);
}

export async function fileItem(
  house: House,
  vault: string,
  title: string,
  section: string,
  name: string,
  content: string,
): Promise<void> {
  const path = join(house.project, name);
  writeFileSync(path, content);
  await item(house, vault, title, [`${section}.${name.replaceAll('.', '\\.')}[file]=${path}`]);
}
