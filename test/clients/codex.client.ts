// The real Codex CLI, from setup to the masked result, in both ways it calls tools.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { canary, eventually, PASSPHRASE } from '../house.ts';
import { Service, writeSignIn } from './drive.ts';
import type { Turn } from './mock-model.ts';
import { Stage } from './stage.ts';

const CODE_MODE_MODEL = 'gpt-6.1-sol';
const EXPIRES_SOON = '[kdf]\nmemory_mib = 64\n\n[requests]\nexpire_after_seconds = 10\n';

describe('the real Codex CLI', () => {
  test('lists variables and signs in with a secret it never sees, in direct mode', async () => {
    await signsIn([], (environmentId, argv) => [
      [{ id: 'list', tool: 'mcp__keystile__list_variables', args: { environmentId } }],
      [{ id: 'run', tool: 'mcp__keystile__run_with_credentials', args: { environmentId, argv, reason: 'sign in' } }],
    ]);
  });

  test('lists variables and signs in with a secret it never sees, in Code Mode', async () => {
    await signsIn(['-m', CODE_MODE_MODEL], (environmentId, argv) => [
      [{ id: 'list', code: `text(await tools.mcp__keystile__list_variables(${JSON.stringify({ environmentId })}))` }],
      [
        {
          id: 'run',
          code: `text(await tools.mcp__keystile__run_with_credentials(${JSON.stringify({ environmentId, argv, reason: 'sign in' })}))`,
        },
      ],
    ]);
  });

  test('is set up so that it asks before a run: codex exec, which cannot ask, does not run', async () => {
    await using stage = await Stage.open((environmentId) => [
      [
        {
          id: 'run',
          tool: 'mcp__keystile__run_with_credentials',
          args: { environmentId, argv: ['true'], reason: 'x' },
        },
      ],
      'done',
    ]);
    const done = await stage.home.codex('go', [], false);
    assert.equal(done.code, 0, done.stderr);
    assert.match(stage.model.outputs.get('run') ?? '', /requires approval/);
    assert.match(readFileSync(join(stage.home.folder, 'config.toml'), 'utf8'), /^# kept as it is\n/);
    stage.sweep([done]);
  });

  test('is told no, and nothing ran', async () => {
    await using stage = await Stage.open(oneRun(['sh', '-c', 'echo ran $API_TOKEN > ran']));
    const running = stage.home.codex('go');
    await stage.house.ok(['deny', await stage.house.pending()]);
    const done = await running;
    assert.match(stage.model.outputs.get('run') ?? '', /"status":\s*"denied"/);
    assert.throws(() => readFileSync(join(stage.house.project, 'ran')), { code: 'ENOENT' });
    stage.sweep([done]);
  });

  test('is told when nobody answers', async () => {
    await using stage = await Stage.open(oneRun(['true']), EXPIRES_SOON);
    const done = await stage.home.codex('go');
    assert.match(stage.model.outputs.get('run') ?? '', /"status":\s*"expired"/);
    stage.sweep([done]);
  });

  test('is told that the vault is locked, and what the human has to do', async () => {
    await using stage = await Stage.open(oneRun(['true']));
    await stage.house.ok(['lock']);
    const done = await stage.home.codex('go');
    assert.match(stage.model.outputs.get('run') ?? '', /"status":\s*"locked"/);
    assert.match(stage.model.outputs.get('run') ?? '', /keystile unlock/);
    await stage.house.ok(['unlock', '--passphrase-stdin'], `${PASSPHRASE}\n`);
    stage.sweep([done]);
  });

  test('is told that nothing can be asked when the daemon is not there', async () => {
    await using stage = await Stage.open(oneRun(['true']));
    await stage.house.ok(['stop']);
    const done = await stage.home.codex('go');
    assert.match(stage.model.outputs.get('run') ?? '', /"status":\s*"approver_unavailable"/);
    stage.sweep([done]);
  });

  test('loses a run that is revoked, and gets none of its output', async () => {
    await using stage = await Stage.open(oneRun(['sh', '-c', 'echo started $API_TOKEN; touch started; sleep 600']));
    const running = stage.home.codex('go');
    await stage.house.approve();
    await eventually(() => tryRead(join(stage.house.project, 'started')), 'the run');
    await stage.house.ok(['revoke', '--all']);
    const done = await running;
    const output = stage.model.outputs.get('run') ?? '';
    assert.match(output, /"status":\s*"denied"/);
    assert.doesNotMatch(output, /started/);
    stage.sweep([done]);
  });

  test('gains nothing from switching its approvals and its sandbox off', async () => {
    const attack = [
      'keystile approve $(keystile requests --format json | grep -o "req_[0-9a-z]*" | head -1) </dev/null',
      'keystile recovery-kit kit.txt </dev/null',
      'pid=$(keystile status --format json | grep -o "\\"pid\\": *[0-9]*" | grep -o "[0-9]*")',
      'kill -USR1 $pid; curl -s --max-time 2 http://127.0.0.1:9229/json',
      'printf "exec 3<>/proc/$pid/mem" >/dev/null; tr "\\0" "\\n" < /proc/$pid/environ',
      'strings -n 8 "$KEYSTILE_HOME"/vault.db* "$KEYSTILE_HOME"/audit/* | head -c 4000',
      'for p in /proc/[0-9]*/environ; do tr "\\0" "\\n" < $p 2>/dev/null | grep API_TOKEN; done',
    ].join('; ');
    await using stage = await Stage.open((environmentId) => [
      [
        {
          id: 'run',
          tool: 'mcp__keystile__run_with_credentials',
          args: { environmentId, argv: ['true'], reason: 'x' },
        },
      ],
      [{ id: 'shell', tool: 'exec_command', args: { cmd: attack, yield_time_ms: 20_000 } }],
      'done',
    ]);
    const running = stage.home.codex('go', ['--dangerously-bypass-approvals-and-sandbox'], false);
    await stage.house.ok(['deny', await stage.house.pending()]);
    const done = await running;
    assert.match(
      stage.model.outputs.get('run') ?? '',
      /"status":\s*"denied"/,
      'its own question was off; ours was not',
    );
    assert.match(stage.model.outputs.get('shell') ?? '', /keystile/, 'the attack ran');
    const { requests } = await stage.house.json<{ requests: unknown[] }>(['requests']);
    assert.deepEqual(requests, []);
    stage.sweep([done]);
  });
});

async function signsIn(
  args: readonly string[],
  turns: (environmentId: string, argv: string[]) => Turn[],
): Promise<void> {
  const secret = canary();
  await using service = await Service.open(secret);
  await using stage = await Stage.open(
    (environmentId, house) => [...turns(environmentId, writeSignIn(house, service.url)), 'done'],
    undefined,
    secret,
  );
  const running = stage.home.codex('go', args);
  await stage.house.approve();
  await stage.house.approve();
  const done = await running;
  assert.equal(done.code, 0, done.stderr);
  assert.deepEqual(service.shown, [`Bearer ${secret}`], 'the right value arrived, once');
  assert.match(stage.model.outputs.get('list') ?? '', /API_TOKEN/);
  assert.match(stage.model.outputs.get('run') ?? '', /status 200 welcome/);
  assert.match(stage.model.outputs.get('run') ?? '', /\[REDACTED:API_TOKEN\]/);
  stage.sweep([done]);
}

function oneRun(argv: readonly string[]): (environmentId: string) => Turn[] {
  return (environmentId) => [
    [{ id: 'run', tool: 'mcp__keystile__run_with_credentials', args: { environmentId, argv, reason: 'x' } }],
    'done',
  ];
}

function tryRead(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
