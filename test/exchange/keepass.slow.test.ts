// KeePass databases that inflate to more than memory should hold. Slow, because they have to be made first.

import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { test } from 'node:test';
import { DATABASE_BYTES_MAX } from '../../src/exchange/keepass-file.ts';
import { failureOf, typing } from './fixtures.ts';
import { newDatabase, PASSWORD, savedAs } from './keepass-files.ts';

const password = typing(PASSWORD);

test('a database that inflates to more than it may is refused before it is inflated', async () => {
  for (const version of [3, 4] as const) {
    // One at a time: both hold 256 MiB.
    const bomb = await savedAs(
      await newDatabase({ version }),
      `<KeePassFile>${' '.repeat(DATABASE_BYTES_MAX)}</KeePassFile>`,
    );
    assert.equal((await failureOf('keepass', bomb, { password })).code, 'input/too_large');
  }
});

test('an attachment of version 3 that inflates to more than it may is refused', async () => {
  const packed = gzipSync(Buffer.alloc(DATABASE_BYTES_MAX)).toString('base64');
  const xml = `<KeePassFile><Meta><Binaries><Binary ID="0" Compressed="True">${packed}</Binary></Binaries></Meta><Root/></KeePassFile>`;
  const bomb = await savedAs(await newDatabase({ version: 3 }), xml);
  assert.equal((await failureOf('keepass', bomb, { password })).code, 'input/too_large');
});
