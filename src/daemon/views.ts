// What people see of requests, grants, leases and agents.

import type { Grant } from '../authority/grants.ts';
import type { Lease } from '../authority/leases.ts';
import type { Request } from '../core/request.ts';
import type { StoredAgent } from '../vault/agents.ts';
import type { AgentView, GrantView, LeaseView, RequestView } from '../wire/methods.ts';

export function requestView(request: Request): RequestView {
  const { work, agent } = request;
  const isRun = work.action === 'Run';
  return {
    requestId: request.requestId,
    action: work.action,
    agent: agent.claimedName ?? agent.process.program,
    environment: 'environmentName' in work ? work.environmentName : null,
    variables: isRun ? work.variables.map(({ name }) => name) : [],
    argv: isRun ? work.argv : [],
    program: isRun ? work.program.path : null,
    cwd: isRun ? work.cwd.path : null,
    reason: request.reason,
    expiresAt: new Date(request.expiresAt).toISOString(),
    request,
  };
}

export function grantView(grant: Grant): GrantView {
  return {
    grantId: grant.grantId,
    agentId: grant.agentId,
    scope: grant.scope,
    environmentId: grant.run.environmentId,
    environmentName: grant.run.environmentName,
    variables: grant.run.variables.map(({ name }) => name),
    argv: grant.run.argv,
    expiresAt: grant.expiresAtWall === null ? null : new Date(grant.expiresAtWall).toISOString(),
    usesLeft: null,
  };
}

export function leaseView(lease: Lease): LeaseView {
  return {
    leaseId: lease.leaseId,
    grantId: lease.grantId,
    agentId: lease.agent.agentId,
    runId: lease.runId,
    environmentName: lease.run.environmentName,
    variables: lease.run.variables.map(({ name }) => name),
    argv: lease.run.argv,
    pid: lease.pid,
    startedAt: new Date(lease.startedAtWall).toISOString(),
  };
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
