// The human's command line in the hands of the real Codex CLI: an AGENTS.md that says `keystile run …`, and an agent that
// does as it says. (A file named after the client would pass for it among the ancestors of what the test starts.)

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { eventually } from '../house.ts';
import type { RequestView } from '../../src/wire/views.ts';
import type { Turn } from './mock-model.ts';
import { Stage } from './stage.ts';

type Script = (house: Stage['house']) => string;

function shell(cmd: Script): (environmentId: string, house: Stage['house']) => Turn[] {
  return (_id, house) => [
    [{ id: 'shell', tool: 'exec_command', args: { cmd: cmd(house), yield_time_ms: 25_000 } }],
    'done',
  ];
}

async function waiting(stage: Stage): Promise<RequestView> {
  return await eventually(async () => {
    const { requests } = await stage.house.json<{ requests: RequestView[] }>(['requests']);
    return requests[0];
  }, 'the command to ask');
}

describe('the command line of the human and the real Codex CLI', () => {
  test('keystile run in its shell, without a sandbox, is asked about, done by the daemon, and masked', async () => {
    const line: Script = ({ launcher }) => `${launcher} run --environment shop --env-file .env -- env; echo "exit $?"`;
    await using stage = await Stage.open(shell(line));
    writeFileSync(join(stage.house.project, '.env'), 'STAGE=test\n');
    const running = stage.home.codex('go', ['--sandbox', 'danger-full-access']);
    const { requestId, action, request } = await waiting(stage);
    assert.equal(action, 'Run');
    assert.match(request.agent.process.program, /codex/);
    await stage.house.human(['approve', requestId]);
    const done = await running;
    const output = stage.model.outputs.get('shell') ?? '';
    assert.match(output, /API_TOKEN=\[REDACTED:API_TOKEN\]/);
    assert.match(output, /STAGE=test/);
    assert.match(output, /exit 0/);
    stage.sweep([done]);
  });

  for (const sandbox of ['read-only', 'workspace-write'] as const) {
    test(`in the ${sandbox} sandbox it gets no value, and is told what to do instead`, async () => {
      const line: Script = ({ launcher }) => `${launcher} run --environment shop -- env; echo "exit $?"`;
      await using stage = await Stage.open(shell(line));
      const done = await stage.home.codex('go', ['--sandbox', sandbox]);
      const output = stage.model.outputs.get('shell') ?? '';
      assert.match(output, /exit [1-9]/, output);
      assert.match(output, /run_with_credentials|sandbox/, output);
      stage.sweep([done]);
    });
  }
});
