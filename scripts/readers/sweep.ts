// After the readers: looks for every canary in the log, in all objects of the repositories, and in each file of the home
// and of the projects.

import assert from 'node:assert/strict';
import { lstatSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { assertNoCanary } from '../../test/canaries.ts';
import { BACKENDS, type Place, type Stage } from './stage.ts';

/** Returns how many files were looked at. Stops the daemon, so that the mounts are gone; throws what was found. */
export async function sweep(stage: Stage): Promise<number> {
  const { house, values } = stage;
  const canaries = values.flatMap(({ canary }) => canary ?? []);
  assertNoCanary(await house.ok(['audit', 'list', '--limit', '10000', '--format', 'json']), canaries, 'the log');
  await house.ok(['stop']);
  const places = BACKENDS.map((backend) => stage.place(backend));
  for (const place of places.filter((place): place is Place => typeof place !== 'string')) {
    assert.equal(lstatSync(place.path, { throwIfNoEntry: false }), undefined, 'a mount is left');
    const objects = await stage.run(['git', 'cat-file', '--batch-all-objects', '--batch'], place.folder);
    assert.ok(objects.stdout.length > 100, 'no objects were swept');
    assertNoCanary(objects.stdout, canaries, 'the repository');
  }
  const entries = [house.home, house.project].flatMap((folder) => {
    return readdirSync(folder, { recursive: true, withFileTypes: true });
  });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  assert.ok(files.length > 50, `only ${files.length} files were swept`);
  for (const path of files) assertNoCanary(readFileSync(path), canaries, path);
  return files.length;
}
