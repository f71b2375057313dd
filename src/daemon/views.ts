// What people see of requests, grants, leases and agents.

import type { Grant } from '../authority/grants.ts';
import type { Lease } from '../authority/leases.ts';
import { withoutMaskability, type Request, type Work } from '../core/request.ts';
import type { StoredAgent } from '../vault/agents.ts';
import type { News } from '../authority/powers.ts';
import type { AgentView, GrantView, LeaseView, NoticeView, RequestView, RunView } from '../wire/views.ts';

/** Below a coding agent without what is said of masking. */
export function requestViewBelowAgent(request: Request): RequestView {
  return requestView({ ...request, work: withoutMaskability(request.work) });
}

export function requestView(request: Request): RequestView {
  const { work, agent } = request;
  const isRun = work.action === 'Run';
  return {
    requestId: request.requestId,
    action: work.action,
    agent: agent.claimedName ?? agent.process.program,
    environment: 'environmentName' in work ? work.environmentName : null,
    variables: 'variables' in work ? work.variables.map(({ name }) => name) : namesOf(work),
    argv: argvOf(work),
    program: programOf(work),
    cwd: isRun ? work.cwd.path : work.action === 'ReadMount' ? work.reader.cwd.path : null,
    path: pathOf(work),
    reason: request.reason,
    expiresAt: new Date(request.expiresAt).toISOString(),
    request,
  };
}

export function runView({ requestId, agent, work }: Request, runId: string): RunView {
  return {
    runId,
    requestId,
    agentId: agent.agentId,
    agent: agent.claimedName ?? agent.process.program,
    environment: 'environmentName' in work ? work.environmentName : null,
    argv: argvOf(work),
    at: new Date().toISOString(),
  };
}

export function noticeView(news: Extract<News, { kind: 'suspicious' | 'tainted' }>): NoticeView {
  const run = runView(news.run.request, news.run.runId);
  if (news.kind === 'suspicious') return { ...run, kind: news.kind, signs: news.signs, variables: news.names };
  return { ...run, kind: news.kind, hits: news.taint.hits, limits: news.taint.limits };
}

export function grantView({ grantId, agentId, scope, work, expiresAtWall }: Grant): GrantView {
  return {
    grantId,
    agentId,
    scope,
    environmentId: work.environmentId,
    environmentName: work.environmentName,
    variables: work.variables.map(({ name }) => name),
    argv: argvOf(work),
    path: pathOf(work),
    expiresAt: expiresAtWall === null ? null : new Date(expiresAtWall).toISOString(),
    usesLeft: null,
  };
}

export function leaseView({ leaseId, grantId, agent, runId, work, pid, startedAtWall }: Lease): LeaseView {
  return {
    leaseId,
    grantId,
    agentId: agent.agentId,
    runId,
    path: pathOf(work),
    environmentName: work.environmentName,
    variables: work.variables.map(({ name }) => name),
    argv: argvOf(work),
    pid,
    startedAt: new Date(startedAtWall).toISOString(),
  };
}

function argvOf(work: Work): readonly string[] {
  if (work.action === 'Run') return work.argv;
  return work.action === 'ReadMount' ? work.reader.process.argv : [];
}

function programOf(work: Work): string | null {
  if (work.action === 'Run') return work.program.path;
  return work.action === 'ReadMount' ? work.reader.process.program : null;
}

function pathOf(work: Work): string | null {
  if (work.action === 'ImportFile') return work.file.path;
  return 'path' in work ? work.path : null;
}

function namesOf(work: Work): readonly string[] {
  return work.action === 'ImportFile' ? work.names : [];
}

export function agentView(agent: StoredAgent, pids: readonly number[]): AgentView {
  return {
    agentId: agent.agentId,
    state: agent.state,
    name: agent.claimedName,
    program: agent.program,
    programDigest: agent.programDigest,
    pids,
    lastSeenAt: new Date(agent.lastSeenAt).toISOString(),
  };
}
