// What a revocation is aimed at, and what it therefore ends.

import type { Request } from '../core/request.ts';
import type { Grant } from './grants.ts';
import type { Lease } from './leases.ts';

/** What to revoke. */
export type Target =
  | { readonly what: 'id'; readonly id: string }
  | { readonly what: 'agent'; readonly agentId: string }
  | { readonly what: 'environment'; readonly environmentId: string }
  | { readonly what: 'all' };

export interface Revoked {
  readonly grants: number;
  readonly leases: number;
  readonly requests: number;
}

export function isGrantMeant(grant: Grant, target: Target): boolean {
  switch (target.what) {
    case 'all':
      return true;
    case 'id':
      return grant.grantId === target.id;
    case 'agent':
      return grant.agentId === target.agentId;
    case 'environment':
      return grant.run.environmentId === target.environmentId;
  }
}

export function isLeaseMeant(lease: Lease, grants: readonly string[], target: Target): boolean {
  if (lease.grantId !== null && grants.includes(lease.grantId)) return true;
  switch (target.what) {
    case 'all':
      return true;
    case 'id':
      return [lease.leaseId, lease.runId, lease.requestId].includes(target.id);
    case 'agent':
      return lease.agent.agentId === target.agentId;
    case 'environment':
      return lease.run.environmentId === target.environmentId;
  }
}

export function isRequestMeant(request: Request, target: Target): boolean {
  switch (target.what) {
    case 'all':
      return true;
    case 'id':
      return request.requestId === target.id;
    case 'agent':
      return request.agent.agentId === target.agentId;
    case 'environment':
      return 'environmentId' in request.work && request.work.environmentId === target.environmentId;
  }
}
