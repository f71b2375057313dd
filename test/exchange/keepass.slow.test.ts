// KeePass databases that inflate to more than memory should hold. Slow, because they have to be made first.

import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { test } from 'node:test';
import { DATABASE_BYTES_MAX, MARKS_MAX } from '../../src/exchange/keepass-bounds.ts';
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

test('an attachment inside the XML that inflates to more than it may is refused, however it is written', async () => {
  const packed = gzipSync(Buffer.alloc(DATABASE_BYTES_MAX)).toString('base64');
  const binaries: Readonly<Record<string, string>> = {
    plainly: `<Binary ID="0" Compressed="True">${packed}</Binary>`,
    'with spaces and an entity': `<Binary ID=">" Compressed = '&#84;rue' >${packed}</Binary>`,
    'with a control character': `<Binary ID="0" Com\u0001pressed="True">${packed}</Binary>`,
    'split by a comment': `<Binary ID="0" Compressed="True"><!-- -->${packed}</Binary>`,
    'in another element': `<Binary ID="0" Compressed="True"><a>${packed}</a></Binary>`,
  };
  for (const [name, binary] of Object.entries(binaries)) {
    for (const version of [3, 4] as const) {
      const xml = `<KeePassFile><Meta><Binaries>${binary}</Binaries></Meta><Root/></KeePassFile>`;
      const bomb = await savedAs(await newDatabase({ version }), xml);
      const { code } = await failureOf('keepass', bomb, { password });
      assert.ok(['input/too_large', 'import/damaged'].includes(code), name);
      if (name === 'plainly') assert.equal(code, 'input/too_large');
    }
  }
});

test('XML that would become more objects than memory should hold is refused before it is parsed', async () => {
  const xml = `<KeePassFile><Meta/><Root>${'<a/>'.repeat(MARKS_MAX)}</Root></KeePassFile>`;
  for (const version of [3, 4] as const) {
    const bomb = await savedAs(await newDatabase({ version }), xml);
    assert.equal((await failureOf('keepass', bomb, { password })).code, 'input/too_large');
  }
});
