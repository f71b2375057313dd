// An agent that may run anything writes the value so that a search for it finds nothing: it is found when the output is whole.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { agentWith, letRunAnything, ORDINARY, type Calls } from '../attackers.ts';
import { assertNoCanary } from '../canaries.ts';
import { canary, has, House } from '../house.ts';

describe('a value that is written another way does not come out of a run', () => {
  const secret = canary();
  let house: House;
  let agent: Calls;

  before(async () => {
    house = await House.open(ORDINARY);
    agent = await agentWith(house, await house.environment('shop', { API_TOKEN: secret }));
    await letRunAnything(house, agent);
  });
  after(async () => await house[Symbol.asyncDispose]());

  for (const [what, code] of [
    ['a letter a line', 'printf %s "$API_TOKEN" | fold -w1'],
    ['a dash between letters', `printf %s "$API_TOKEN" | sed 's/./&-/g'`],
    ['a colour for each letter', String.raw`printf %s "$API_TOKEN" | sed 's/./\x1b[31m&\x1b[0m/g'`],
    ['capitals', 'printf %s "$API_TOKEN" | tr a-z A-Z'],
    ['base64, three times', 'printf %s "$API_TOKEN" | base64 -w0 | base64 -w0 | base64 -w0'],
    ['gzip and base64', 'printf %s "$API_TOKEN" | gzip | base64'],
    ['octal words', 'printf %s "$API_TOKEN" | od'],
    ['decimals', 'printf %s "$API_TOKEN" | od -An -tu1'],
  ] as const) {
    test(`O10: ${what}`, async () => {
      const { stdout, redactions } = await agent.run(['bash', '-c', `echo begin; ${code}; echo; echo end`]);
      const text = String(stdout);
      assertNoCanary(text, secret);
      assert.match(text, /^begin\n[^]*\[REDACTED:API_TOKEN\][^]*end\n$/);
      assert.ok(text.length < 80, text);
      assert.match(JSON.stringify(redactions), /"API_TOKEN"/);
    });
  }

  test('O10: letters on both streams in turn', { skip: has('python3') ? false : 'no python3' }, async () => {
    const code = 'import os\nfor k, c in enumerate(os.environb[b"API_TOKEN"]): os.write(1 + k % 2, bytes([c]))';
    const { stdout, stderr } = await agent.run(['python3', '-c', code]);
    const left = `${String(stdout)}${String(stderr)}`.replaceAll('[REDACTED:API_TOKEN]', '');
    assert.ok(left.length < 8 || left.includes('output withheld'), `${left.length} letters are left`);
  });

  test('a token that the run itself made is marked by its pattern', async () => {
    const token = `ghp_${'canaryCANARY'.repeat(3)}`;
    const { stdout } = await agent.run(['printf', 'new: %s\n', token]);
    assert.equal(stdout, 'new: [REDACTED:pattern/github]\n');
  });

  test('what holds no secret comes back byte for byte', async () => {
    const { stdout, redactions } = await agent.run([
      'bash',
      '-c',
      'seq 3000; seq 300 | od -c; seq 300 | gzip -n | base64',
    ]);
    assert.match(String(stdout), /^1\n2\n3\n[^]*3000\n0000000 {3}1 {2}\\n[^]*=?\n$/);
    assert.deepEqual(redactions, []);
  });
});
