// What agents may do now: grants, leases, the agents themselves, and taking it all back.

import { EXIT, type ExitCode } from '../../core/failure.ts';
import type { Connection } from '../../wire/client.ts';
import type { Params } from '../../wire/methods.ts';
import type { RevokeView } from '../../wire/views.ts';
import { usage, type Call, type Command } from './command.ts';
import { resolveId } from './ids.ts';
import { counted, table, shortTime } from './output.ts';

const ROTATE = 'rotate the value if it may have been copied';
const WHOLE_ID = /^(?:grant|lease|run|agent)_[0-9a-z]{20}$/;

export const GRANT_COMMANDS: readonly Command[] = [
  {
    path: ['grants'],
    help: 'list what was approved and still counts',
    example: 'keystile grants',
    run: grants,
  },
  {
    path: ['leases'],
    help: 'list the runs and readers that hold values now',
    example: 'keystile leases',
    run: leases,
  },
  {
    path: ['revoke'],
    args: [{ name: 'ID', isOptional: true, names: 'grant' }],
    flags: {
      agent: { value: 'AGENT', names: 'agent', help: 'everything of one agent' },
      environment: { value: 'ENV', names: 'environment', help: 'everything that uses one environment' },
      all: { help: 'everything' },
    },
    exclusive: [['agent', 'environment', 'all']],
    help: 'end a grant, a lease, or all of an agent or environment; needs no passphrase',
    details: 'Runs are ended with all their processes. What a program has copied already cannot be taken back.',
    example: 'keystile revoke --environment production',
    run: revoke,
  },
  {
    path: ['agents'],
    help: 'list the agents that have asked',
    example: 'keystile agents --format json',
    run: agents,
  },
  {
    path: ['agent', 'admit'],
    args: [{ name: 'ID', names: 'agent' }],
    help: 'let a connected agent see names, until its process ends',
    example: 'keystile agent admit agent_5k2',
    run: async (call) => await withAgent(call, 'agent.admit', 'admitted'),
  },
  {
    path: ['agent', 'block'],
    args: [{ name: 'ID', names: 'agent' }],
    help: 'refuse everything an agent asks, and end what it has',
    example: 'keystile agent block agent_5k2',
    run: block,
  },
  {
    path: ['agent', 'forget'],
    args: [{ name: 'ID', names: 'agent' }],
    help: 'forget an agent: it is new when it asks again',
    example: 'keystile agent forget agent_5k2',
    run: async (call) => await withAgent(call, 'agent.forget', 'forgot'),
  },
];

async function grants(call: Call): Promise<ExitCode> {
  const { result } = await (await call.daemon()).call('grant.list', {});
  call.output.answer(result, () => {
    const rows = result.grants.map((grant) => [
      grant.grantId,
      grant.agentId,
      grant.scope,
      grant.environmentName ?? '-',
      grant.variables.join(' ') || '-',
      whatText(grant),
      grant.usesLeft === null ? '-' : String(grant.usesLeft),
      grant.expiresAt === null ? 'at lock' : shortTime(grant.expiresAt),
    ]);
    const heads = ['ID', 'AGENT', 'SCOPE', 'ENVIRONMENT', 'VARIABLES', 'COMMAND OR READER', 'USES LEFT', 'ENDS'];
    return table(heads, rows, 'no grants');
  });
  return EXIT.done;
}

async function leases(call: Call): Promise<ExitCode> {
  const { result } = await (await call.daemon()).call('lease.list', {});
  call.output.answer(result, () => {
    const rows = result.leases.map((lease) => [
      lease.leaseId,
      lease.runId ?? '-',
      lease.agentId,
      lease.environmentName ?? '-',
      lease.variables.join(' ') || '-',
      whatText(lease),
      lease.pid === null ? '-' : String(lease.pid),
      shortTime(lease.startedAt),
    ]);
    const heads = ['ID', 'RUN', 'AGENT', 'ENVIRONMENT', 'VARIABLES', 'COMMAND OR READER', 'PID', 'STARTED'];
    return table(heads, rows, 'no leases: no program holds a value now');
  });
  return EXIT.done;
}

async function revoke(call: Call): Promise<ExitCode> {
  const isFlagged = ['agent', 'environment', 'all'].some((flag) => call.has(flag));
  if (isFlagged === (call.optionalArgument('ID') !== undefined)) {
    throw usage('revoke takes an ID or a flag, one of them', 'keystile grants and keystile leases list the ids');
  }
  const daemon = await call.daemon();
  const { result } = await daemon.call('revoke', await whatToRevoke(call, daemon));
  sayRevoked(call, result);
  return EXIT.done;
}

async function whatToRevoke(call: Call, daemon: Connection): Promise<Params<'revoke'>> {
  if (call.has('all')) return { what: 'all' };
  const agent = call.flag('agent');
  if (agent !== undefined) return { what: 'agent', agentId: await agentId(daemon, agent) };
  const environment = call.flag('environment');
  if (environment !== undefined) return { what: 'environment', environment };
  const id = call.argument('ID');
  // A whole id needs no list, and so no unlocked vault.
  return {
    what: 'id',
    id: WHOLE_ID.test(id) ? id : resolveId(id, await liveIds(daemon), 'name/not_found', 'grant or lease'),
  };
}

async function liveIds(daemon: Connection): Promise<string[]> {
  const { result: granted } = await daemon.call('grant.list', {});
  const { result: leased } = await daemon.call('lease.list', {});
  return [
    ...granted.grants.map(({ grantId }) => grantId),
    ...leased.leases.flatMap(({ leaseId, runId }) => (runId === null ? [leaseId] : [leaseId, runId])),
  ];
}

function sayRevoked(call: Call, result: RevokeView): void {
  const { grants, leases, requests } = result;
  const ended = [counted(grants, 'grant'), counted(leases, 'lease'), counted(requests, 'request')];
  call.output.answer({ ...result, hint: ROTATE }, () => [`ended ${ended.join(', ')}`, ROTATE]);
}

/** A command, or a program and the file it reads. */
function whatText({ argv, path }: { readonly argv: readonly string[]; readonly path: string | null }): string {
  const command = argv.join(' ') || '-';
  return path === null ? command : `${command} reads ${path}`;
}

async function agents(call: Call): Promise<ExitCode> {
  const { result } = await (await call.daemon()).call('agent.list', {});
  call.output.answer(result, () => {
    const rows = result.agents.map((agent) => [
      agent.agentId,
      agent.state,
      agent.name ?? '-',
      agent.program,
      agent.pids.join(' ') || '-',
      shortTime(agent.lastSeenAt),
    ]);
    return table(['ID', 'STATE', 'SAYS IT IS', 'PROGRAM', 'PIDS', 'LAST SEEN'], rows, 'no agent has asked yet');
  });
  return EXIT.done;
}

async function agentId(daemon: Connection, given: string): Promise<string> {
  if (WHOLE_ID.test(given)) return given;
  const { result } = await daemon.call('agent.list', {});
  const ids = result.agents.map((agent) => agent.agentId);
  return resolveId(given, ids, 'name/not_found', 'agent');
}

async function withAgent(call: Call, method: 'agent.admit' | 'agent.forget', said: string): Promise<ExitCode> {
  const daemon = await call.daemon();
  const id = await agentId(daemon, call.argument('ID'));
  const what = method === 'agent.admit' ? 'admit' : 'forget';
  await call.human.withPassphrase(`Passphrase to ${what} this agent`, async (passphrase) => {
    await daemon.call(method, { agentId: id }, { parts: [passphrase] });
  });
  call.output.answer({ agentId: id }, () => [`${said} ${id}`]);
  return EXIT.done;
}

async function block(call: Call): Promise<ExitCode> {
  const daemon = await call.daemon();
  const { result } = await daemon.call('agent.block', { agentId: await agentId(daemon, call.argument('ID')) });
  sayRevoked(call, result);
  return EXIT.done;
}
