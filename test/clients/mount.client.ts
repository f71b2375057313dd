// A mounted .env in the hands of the real Codex CLI: its sandboxed shell, and the programs it starts there. (A file named after
// the client would pass for it among the ancestors of what the test starts.)

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { canary, eventually } from '../house.ts';
import type { RequestView } from '../../src/wire/views.ts';
import type { Turn } from './mock-model.ts';
import { Stage } from './stage.ts';

const SANDBOXES = ['read-only', 'workspace-write'] as const;
const BACKENDS = ['fuse', 'fifo'] as const;

/** Reads the file as programs do, and says only what nobody can turn back into the value. */
const APP = `const { createHash } = require('node:crypto');
const { API_TOKEN } = require('node:util').parseEnv(require('node:fs').readFileSync('.env', 'utf8'));
console.log('digest', createHash('sha256').update(API_TOKEN ?? 'nothing').digest('hex'));
`;

function shell(cmd: string): () => Turn[] {
  return () => [[{ id: 'shell', tool: 'exec_command', args: { cmd, yield_time_ms: 25_000 } }], 'done'];
}

async function stageWith(cmd: string, backend: string, secret = canary()): Promise<Stage> {
  const stage = await Stage.open(shell(cmd), undefined, secret);
  writeFileSync(join(stage.house.project, 'app.js'), APP);
  await stage.house.ok(['mount', 'shop', join(stage.house.project, '.env'), '--backend', backend]);
  return stage;
}

async function waiting(stage: Stage): Promise<RequestView> {
  return await eventually(async () => {
    const { requests } = await stage.house.json<{ requests: RequestView[] }>(['requests']);
    return requests[0];
  }, 'a reader to wait');
}

describe('a mounted .env and the real Codex CLI', () => {
  for (const sandbox of SANDBOXES) {
    for (const backend of BACKENDS) {
      test(`F01: cat in the ${sandbox} sandbox gets nothing from ${backend}, and the prompt names codex`, async () => {
        await using stage = await stageWith('cat .env; echo "exit $?"', backend);
        const running = stage.home.codex('go', ['--sandbox', sandbox]);
        const { requestId, action, request } = await waiting(stage);
        assert.equal(action, 'ReadMount');
        assert.ok(request.work.action === 'ReadMount');
        assert.equal(request.work.reader.isUnderAgent, true);
        assert.match(request.work.reader.process.program, /\/cat$/);
        assert.match(request.agent.process.program, /codex/);
        assert.match(await stage.house.ok(['requests', requestId]), /codex/);
        await stage.house.ok(['deny', requestId]);
        const done = await running;
        const output = stage.model.outputs.get('shell') ?? '';
        assert.match(output, /exit [01]/, output);
        assert.doesNotMatch(output, /API_TOKEN/);
        stage.sweep([done]);
      });
    }
  }

  for (const backend of BACKENDS) {
    test(`node app.js, started by the agent, gets the values from ${backend} after a yes; the model never sees one`, async () => {
      const secret = canary();
      await using stage = await stageWith('node app.js', backend, secret);
      const running = stage.home.codex('go', ['--sandbox', 'workspace-write']);
      const { requestId, request } = await waiting(stage);
      assert.ok(request.work.action === 'ReadMount');
      const [operand] = request.work.reader.operands;
      assert.equal(operand?.path, join(stage.house.project, 'app.js'));
      assert.equal(operand?.digest, createHash('sha256').update(APP).digest('hex'));
      const { code, stderr } = await stage.house.human(['approve', requestId]);
      assert.equal(code, 0, stderr);
      const done = await running;
      const digest = createHash('sha256').update(secret).digest('hex');
      assert.match(stage.model.outputs.get('shell') ?? '', new RegExp(`digest ${digest}`));
      stage.sweep([done]);
    });
  }

  test("F06: a yes to node app.js is none to node -e, also when both are the agent's", async () => {
    const steal = `node -e "console.log(require('node:fs').readFileSync('.env', 'utf8').length)"; echo "exit $?"`;
    await using stage = await stageWith(`node app.js; ${steal}`, 'fuse');
    const running = stage.home.codex('go', ['--sandbox', 'workspace-write']);
    const first = await waiting(stage);
    await stage.house.human(['approve', first.requestId, '--for', '15m']);
    const second = await eventually(async () => {
      const { requests } = await stage.house.json<{ requests: RequestView[] }>(['requests']);
      return requests.find(({ requestId }) => requestId !== first.requestId);
    }, 'the second question');
    assert.ok(second.request.work.action === 'ReadMount');
    assert.equal(second.request.work.reader.isCodeOnCommandLine, true);
    await stage.house.ok(['deny', second.requestId]);
    const done = await running;
    const output = stage.model.outputs.get('shell') ?? '';
    assert.match(output, /digest [0-9a-f]{64}/);
    assert.match(output, /EACCES/);
    assert.match(output, /exit 1/);
    stage.sweep([done]);
  });

  test('the agent makes and lists the mount with its tools, and imports a file whose values it never sees', async () => {
    const secret = canary();
    const files = ['.env.local', '.env'];
    await using stage = await Stage.open(
      (environmentId, house) => {
        const [mountPath, path] = files.map((name) => join(house.project, name));
        return [
          [{ id: 'mount', tool: 'mcp__keystile__create_local_env_file', args: { environmentId, mountPath } }],
          [{ id: 'import', tool: 'mcp__keystile__import_env_file', args: { path, environmentName: 'old' } }],
          [{ id: 'list', tool: 'mcp__keystile__list_local_env_files', args: {} }],
          'done',
        ];
      },
      undefined,
      secret,
    );
    writeFileSync(join(stage.house.project, '.env'), `OLD_TOKEN=${secret}\nPORT=3000\n`, { mode: 0o600 });
    const running = stage.home.codex('go');
    await stage.house.approve();
    await stage.house.approve();
    const done = await running;
    assert.match(stage.model.outputs.get('mount') ?? '', /"status":\s*"completed"/);
    assert.match(stage.model.outputs.get('import') ?? '', /OLD_TOKEN/);
    const listed = stage.model.outputs.get('list') ?? '';
    for (const name of files) assert.ok(listed.includes(join(stage.house.project, name)), listed);
    stage.sweep([done]);
  });
});
