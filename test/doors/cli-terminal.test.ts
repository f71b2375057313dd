// The human at a terminal, told from outside: a pseudo-terminal of its own, the built program, a real daemon and agent.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { assertNoCanary } from '../canaries.ts';
import { canary, has, House, PASSPHRASE, structured } from '../house.ts';
import type { Client } from '../mcp-client.ts';
import { Sitting } from './sitting.ts';

describe('a new passphrase at a terminal', { skip: !has('script') }, () => {
  test('who is told why it was not taken may choose again, and is left alone after three times', async () => {
    await using house = await House.open({ isEmpty: true });
    const choosing = new Sitting(house, ['init']);
    await choosing.see(/good\.\nPassphrase: $/);
    choosing.type('short\r');
    await choosing.see(/Not taken: a passphrase has at least 8 characters\. Choose again\.\nPassphrase: $/);
    choosing.type(`${PASSPHRASE}\r`);
    await choosing.see(/The same again: $/);
    choosing.type('another one\r');
    await choosing.see(/Not taken: the two passphrases differ\. Choose again\.\nPassphrase: $/);
    choosing.type('short\r');
    assert.equal(await choosing.end(), '2');
    const chosen = new Sitting(house, ['init']);
    await chosen.see(/Passphrase: $/);
    chosen.type('short\r');
    await chosen.see(/again\.\nPassphrase: $/);
    chosen.type(`${PASSPHRASE}\r`);
    await chosen.see(/The same again: $/);
    chosen.type(`${PASSPHRASE}\r`);
    assert.equal(await chosen.end(), '0');
    assert.match(chosen.seen, /made the vault/);
  });
});

describe('the human at a terminal', { skip: !has('script') }, () => {
  const secret = canary();
  let house: House;
  let agent: Client;
  let environmentId: string;

  before(async () => {
    house = await House.open();
    environmentId = await house.environment('shop', { API_TOKEN: secret });
    agent = await house.agent();
  });

  after(async () => {
    await house[Symbol.asyncDispose]();
  });

  const run = async (argv: readonly string[]): Promise<Record<string, unknown>> =>
    structured(
      await agent.callTool({ name: 'run_with_credentials', arguments: { environmentId, argv, reason: 'the test' } }),
    );

  test('I5: approve shows a long request page by page, and asks for the passphrase only after the last line', async () => {
    const running = run(['printf', '%s', ...Array.from({ length: 60 }, (_none, i) => `argument-${i}`), 'the-last-one']);
    const sitting = new Sitting(house, ['approve', await house.pending()]);
    await sitting.see(/more: space goes on/);
    assert.doesNotMatch(sitting.seen, /the-last-one|Passphrase/);
    await sitting.press(' ', /Passphrase to approve this: /);
    assert.match(sitting.seen, /\[62\] +"the-last-one"/);
    sitting.type(`${PASSPHRASE}\r`);
    assert.equal(await sitting.end(), '0');
    assert.doesNotMatch(sitting.seen, new RegExp(PASSPHRASE));
    assert.equal((await running)['status'], 'completed');
  });

  test('A17: a terminal alone approves nothing', async () => {
    const running = run(['true', 'a17']);
    const requestId = await house.pending();
    const sitting = new Sitting(house, ['approve', requestId]);
    await sitting.press(' ', /Passphrase to approve this: /);
    sitting.type('a guess of an agent\r');
    assert.equal(await sitting.end(), '4');
    await house.ok(['deny', requestId]);
    assert.equal((await running)['status'], 'denied');
  });

  test('watch asks for the passphrase once, answers with single keys, and leaves the terminal as it was', async () => {
    const sitting = new Sitting(house, ['watch']);
    await sitting.see(/Passphrase to watch and answer: /);
    sitting.type(`${PASSPHRASE}\r`);
    await sitting.see(/Nothing waits yet/);
    const first = run(['sh', '-c', 'echo $API_TOKEN', 'first']);
    // Space pages on to the end of a request that is longer than the screen; then `a` says yes once it has settled.
    await sitting.see(/more: space goes on/);
    await sitting.press(' ', /"first"[^]*yes: a once/);
    await sitting.press('a', /req_\w+: yes, this one time, exactly this request/);
    const { status, stdout } = await first;
    assert.equal(status, 'completed');
    assert.equal(stdout, '[REDACTED:API_TOKEN]\n');
    const second = run(['true', 'second']);
    await sitting.press('d', /req_\w+: no\n/);
    assert.equal((await second)['status'], 'denied');
    sitting.type('q');
    assert.equal(await sitting.end(), '0');
    assert.match(sitting.seen, /watch ended: left/);
    assertNoCanary(Buffer.from(sitting.seen), secret);
  });

  test('watch ends when the vault is locked, with the terminal as it was', async () => {
    const sitting = new Sitting(house, ['watch']);
    await sitting.see(/Passphrase to watch and answer: /);
    sitting.type(`${PASSPHRASE}\r`);
    await sitting.see(/Nothing waits yet/);
    await house.ok(['lock']);
    assert.equal(await sitting.end(), '0');
    assert.match(sitting.seen, /watch ended: the vault was locked/);
    await house.ok(['unlock', '--passphrase-stdin'], `${PASSPHRASE}\n`);
  });

  test('Ctrl-C leaves watch with the terminal as it was', async () => {
    const sitting = new Sitting(house, ['watch']);
    await sitting.see(/Passphrase to watch and answer: /);
    sitting.type(`${PASSPHRASE}\r`);
    await sitting.see(/Nothing waits yet/);
    sitting.type('\u0003');
    assert.equal(await sitting.end(), '0');
  });

  test('a value is typed at the terminal once and not shown', async () => {
    const typed = canary();
    const sitting = new Sitting(house, ['environment', 'set', 'shop', 'TYPED']);
    await sitting.see(/TYPED \(not shown\): /);
    sitting.type(`${typed}\r`);
    assert.equal(await sitting.end(), '0');
    assertNoCanary(Buffer.from(sitting.seen), typed);
    assert.match(await house.ok(['environment', 'show', 'shop']), /TYPED +concealed +yes/);
  });

  test('where a value comes on standard input and is asked for all the same, that is said', async () => {
    const sitting = new Sitting(house, ['environment', 'set', 'shop', 'SENT', '<', house.launcher]);
    await sitting.see(/not used here: use --value-stdin\.\n.*SENT \(not shown\): /);
    sitting.type(`${canary()}\r`);
    assert.equal(await sitting.end(), '0');
    assert.match(sitting.seen, /set SENT in shop/);
  });

  test('a name that cannot be is said before a value is typed', async () => {
    const sitting = new Sitting(house, ['environment', 'set', 'shop', '1BAD']);
    assert.equal(await sitting.end(), '2');
    assert.doesNotMatch(sitting.seen, /not shown/);
  });

  test('an environment is deleted after a yes, and kept after anything else', async () => {
    await house.ok(['environment', 'create', 'doomed']);
    const kept = new Sitting(house, ['environment', 'delete', 'doomed']);
    await kept.see(/Delete doomed with 0 variables\? \[y\/N\] /);
    kept.type('\r');
    assert.equal(await kept.end(), '4');
    assert.match(await house.ok(['environment', 'list']), /doomed/);
    const deleted = new Sitting(house, ['environment', 'delete', 'doomed']);
    await deleted.see(/\[y\/N\] /);
    deleted.type('y');
    assert.equal(await deleted.end(), '0');
    assert.doesNotMatch(await house.ok(['environment', 'list']), /doomed/);
  });
});
