// Requests of agents, one at a time: list, show, approve, deny, and handing held output over.

import { EXIT, Failure, type ExitCode } from '../../core/failure.ts';
import { promptLines } from '../../core/prompt.ts';
import { requestDigest, type GrantLife, type GrantScope, type Request } from '../../core/request.ts';
import type { Connection } from '../../wire/client.ts';
import type { Params } from '../../wire/methods.ts';
import type { HeldView, RequestView } from '../../wire/views.ts';
import { usage, type Call, type Command } from './command.ts';
import { heldLines } from './held-lines.ts';
import { resolveId } from './ids.ts';
import { table, shortTime } from './output.ts';
import { heldLine, noticeLines } from './run-lines.ts';

/** As the daemon has it. Policy may allow less. */
const MINUTES_MAX = 720;

const ID = { name: 'ID', names: 'request' } as const;

export const REQUEST_COMMANDS: readonly Command[] = [
  {
    path: ['requests'],
    args: [{ ...ID, isOptional: true }],
    help: 'list what waits for your answer, or show one request whole',
    details: 'Below it: what was noticed about runs that are over, and output that is held.',
    example: 'keystile requests',
    run: async (call) => (call.optionalArgument('ID') === undefined ? await list(call) : await show(call)),
  },
  {
    path: ['approve'],
    args: [ID],
    flags: {
      once: { help: 'for this one time (the default)' },
      for: { value: 'TIME', help: `for so long, such as 15m or 2h, at most ${MINUTES_MAX / 60}h` },
      'until-lock': { help: 'until the vault is locked' },
      scope: {
        value: 'SCOPE',
        choices: ['exact', 'program', 'environment'],
        help: 'this exact request, or process; this program; or any command with this environment',
      },
      output: {
        value: 'MODE',
        choices: ['redacted', 'summary'],
        help: 'what the agent is given back; never more than the request says',
      },
    },
    exclusive: [['once', 'for', 'until-lock']],
    help: 'show a request whole, ask for the passphrase, and say yes',
    details:
      'ID may be cut short while only one request begins like that. A long request goes page by page, and the passphrase\n' +
      'is asked only after its last line. With --passphrase-stdin the request is printed to standard error.',
    example: 'keystile approve req_5k2 --for 15m --scope program',
    run: approve,
  },
  {
    path: ['deny'],
    args: [ID],
    flags: { block: { help: 'also block the agent that asked, or refuse the file to this program for good' } },
    help: 'say no to a request; needs no passphrase',
    example: 'keystile deny req_5k2 --block',
    run: deny,
  },
  {
    path: ['release'],
    args: [{ name: 'RUN' }],
    flags: {
      show: { help: 'only show the output; release nothing' },
      yes: { help: 'neither show nor ask' },
    },
    exclusive: [['show', 'yes']],
    help: 'show the held output of a run, then hand it to the agent',
    details:
      'The output was masked when it was kept: known forms of the values are not in it. It is kept for eight hours, until\n' +
      'the vault is locked at the latest, and is not shown below a coding agent. With --passphrase-stdin it is\n' +
      'printed to standard error and released without a further question.',
    example: 'keystile release run_5k2 --show',
    run: release,
  },
];

async function list(call: Call): Promise<ExitCode> {
  const { result } = await (await call.daemon()).call('request.list', {});
  call.output.answer(result, () => {
    const over = [...result.notices.flatMap(noticeLines), ...result.held.map(releasable)];
    const rows = result.requests.map((request) => [
      request.requestId,
      request.action,
      request.agent,
      request.environment ?? '-',
      request.variables.join(' ') || '-',
      commandOf(request),
      shortTime(request.expiresAt),
    ]);
    const heads = ['ID', 'ACTION', 'AGENT', 'ENVIRONMENT', 'VARIABLES', 'COMMAND', 'EXPIRES'];
    return [...table(heads, rows, 'nothing waits'), ...over];
  });
  return EXIT.done;
}

function releasable(held: HeldView): string {
  return `${heldLine(held)}: keystile release ${held.runId}`;
}

/** A read or an inject is a command of keystile's own: it starts no program. */
function commandOf({ argv, request: { work } }: RequestView): string {
  return (work.action === 'Reveal' ? work.argv : argv).join(' ') || '-';
}

async function show(call: Call): Promise<ExitCode> {
  const view = await findRequest(await call.daemon(), call.argument('ID'));
  if (call.output.isJson) call.output.answer({ request: view }, () => []);
  else call.output.raw(`${promptLines(view.request, Date.now(), process.stdout.columns || 80).join('\n')}\n`);
  return EXIT.done;
}

async function findRequest(daemon: Connection, given: string): Promise<RequestView> {
  const { result } = await daemon.call('request.list', {});
  const ids = result.requests.map(({ requestId }) => requestId);
  const requestId = resolveId(given, ids, 'request/not_found', 'waiting request');
  const view = result.requests.find((request) => request.requestId === requestId);
  if (view === undefined) throw new Failure('request/not_found', 'the request is gone');
  return view;
}

async function approve(call: Call): Promise<ExitCode> {
  const life = lifeOf(call);
  const output = call.flag('output');
  const daemon = await call.daemon();
  const { request } = await findRequest(daemon, call.argument('ID'));
  const scope = scopeOf(call.flag('scope'), request, life);
  const { human } = call;
  await human.read([
    ...promptLines(request, Date.now(), await human.columns()),
    '',
    ...answerLines(request, life, scope, output),
    ...(scope === 'environment' ? ENVIRONMENT_WARNING : []),
  ]);
  const params: Params<'request.approve'> = {
    requestId: request.requestId,
    // I5: made from what was shown, not copied from what was said about it.
    digest: requestDigest(request),
    life,
    scope,
    ...(output === undefined ? {} : { output: output === 'summary' ? 'summary' : 'redacted' }),
  };
  const { result } = await human.withPassphrase('Passphrase to approve this', async (passphrase) => {
    return await daemon.call('request.approve', params, { parts: [passphrase] });
  });
  call.output.answer({ requestId: request.requestId, grantId: result.grantId }, () => [
    `approved ${request.requestId}${result.grantId === null ? '' : `; keystile revoke ${result.grantId} takes it back`}`,
  ]);
  return EXIT.done;
}

const ENVIRONMENT_WARNING: readonly string[] = [
  '  !!            any command of this agent will get these variables without asking',
];

function answerLines(request: Request, life: GrantLife, scope: GrantScope, output: string | undefined): string[] {
  return [
    'YOUR YES WOULD COUNT',
    `  for           ${lifeText(life)}`,
    `  scope         ${scopeText(scope, request)}`,
    ...(output === undefined ? [] : [`  output        ${output}`]),
  ];
}

/** What a yes of that length means. */
export function lifeText(life: GrantLife): string {
  switch (life.kind) {
    case 'once':
      return 'this one time';
    case 'minutes':
      return `${life.minutes} minutes`;
    case 'until_lock':
      return 'until the vault is locked';
  }
}

/** What a yes of that scope covers. */
export function scopeText(scope: GrantScope, { work }: Request): string {
  if (work.action === 'ReadMount') {
    return scope === 'exact' ? 'this process, as often as it reads' : 'this program, in any process';
  }
  switch (scope) {
    case 'exact':
      return 'exactly this request';
    case 'program':
      return 'this program, with these first arguments and any that follow';
    case 'environment':
      return 'ANY command with this environment';
  }
}

function lifeOf(call: Call): GrantLife {
  if (call.has('until-lock')) return { kind: 'until_lock' };
  const time = call.flag('for');
  if (time === undefined) return { kind: 'once' };
  const match = /^([1-9]\d{0,3})([mh])$/.exec(time);
  const minutes = match === null ? 0 : Number(match[1]) * (match[2] === 'h' ? 60 : 1);
  if (minutes < 1 || minutes > MINUTES_MAX) {
    throw usage(`--for cannot be "${time}"`, `write minutes or hours, such as 15m or 2h, at most ${MINUTES_MAX / 60}h`);
  }
  return { kind: 'minutes', minutes };
}

/** A reader is approved as one process; for a time, as a program, whose processes come and go. */
export function scopeFor({ work }: Request, life: GrantLife): GrantScope {
  return work.action === 'ReadMount' && life.kind !== 'once' ? 'program' : 'exact';
}

function scopeOf(scope: string | undefined, request: Request, life: GrantLife): GrantScope {
  return scope === 'program' || scope === 'environment' || scope === 'exact' ? scope : scopeFor(request, life);
}

async function deny(call: Call): Promise<ExitCode> {
  const daemon = await call.daemon();
  const { requestId } = await findRequest(daemon, call.argument('ID'));
  const blocksAgent = call.has('block');
  await daemon.call('request.deny', { requestId, blocksAgent });
  call.output.answer({ requestId, blocked: blocksAgent }, () => [
    `denied ${requestId}${blocksAgent ? ', and blocked the agent; keystile agents lists it' : ''}`,
  ]);
  return EXIT.done;
}

async function release(call: Call): Promise<ExitCode> {
  const daemon = await call.daemon();
  const runId = await heldRun(daemon, call.argument('RUN'));
  return await call.human.withPassphrase('Passphrase to see held output', async (passphrase) => {
    // Nobody looks at it with --yes: then it is not on the record as read either.
    if (!call.has('yes')) {
      const { result, parts } = await daemon.call('run.output', { runId }, { parts: [passphrase] });
      if (call.has('show')) {
        showOutput(call, runId, parts, result.unmaskable);
        return EXIT.done;
      }
      await call.human.read(heldLines(parts, result.unmaskable, await call.human.columns()));
      const isSure = await call.human.confirm('Release this to the agent?');
      if (!isSure) throw new Failure('request/denied', 'nothing was released', { hint: 'answer y to release it' });
    }
    await daemon.call('run.release', { runId }, { parts: [passphrase] });
    call.output.answer({ runId, released: true }, () => [
      `released the output of ${runId}; the agent can fetch it now`,
    ]);
    return EXIT.done;
  });
}

/** RUN may be cut short, as an id of a request may. Below an agent nothing is listed, and an id has to be whole. */
async function heldRun(daemon: Connection, given: string): Promise<string> {
  const { result } = await daemon.call('request.list', {});
  const ids = result.held.map(({ runId }) => runId);
  const isHeld = ids.some((id) => id.startsWith(given) || id.startsWith(`run_${given}`));
  return isHeld ? resolveId(given, ids, 'run/nothing_held', 'run') : given;
}

/** To a file or a pipe byte for byte; on a terminal escaped, because a program wrote it. */
function showOutput(call: Call, runId: string, parts: readonly Buffer[], unmaskable: readonly string[]): void {
  const [stdout = Buffer.alloc(0), stderr = Buffer.alloc(0)] = parts;
  if (call.output.isJson) {
    const texts = { stdout: stdout.toString('utf8'), stderr: stderr.toString('utf8') };
    call.output.answer({ runId, ...texts, unmaskable }, () => []);
  } else if (process.stdout.isTTY) {
    call.output.raw(`${heldLines(parts, unmaskable, process.stdout.columns || 80).join('\n')}\n`);
  } else {
    call.output.raw(Buffer.concat([stdout, stderr]));
  }
}
