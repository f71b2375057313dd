// Writes transaction after transaction into a vault, and says on stdout which ones are done, until it is killed.
// One line on stdin: {"vault": path, "deviceKey": path, "key": the vault key in hex, "from": number of the first}.

import { readFileSync, writeSync } from 'node:fs';
import { Failure } from '../../src/core/failure.ts';
import { Secret } from '../../src/core/secret.ts';
import { Vault } from '../../src/vault/vault.ts';
import { writeState } from './vault-states.ts';

const { vault: path, deviceKey, key, from } = JSON.parse(readFileSync(0, 'utf8')) as Record<string, string>;
const files = { vault: path ?? '', deviceKey: deviceKey ?? '' };
const vault = Vault.openWithKey({ files, now: Date.now }, new Secret(Buffer.from(key ?? '', 'hex')));
writeSync(1, 'open\n');
try {
  for (let n = Number(from); ; n += 1) {
    writeState(vault, n);
    writeSync(1, `${n}\n`);
  }
} catch (error) {
  writeSync(1, `${Failure.from(error).code}\n`);
}
