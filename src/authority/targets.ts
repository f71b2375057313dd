// What a revocation is aimed at, and what it therefore ends.

import type { Request } from '../core/request.ts';
import type { Grant } from './grants.ts';
import type { Lease } from './leases.ts';

/** What to revoke. */
export type Target =
  | { readonly what: 'id'; readonly id: string }
  | { readonly what: 'agent'; readonly agentId: string }
  | { readonly what: 'environment'; readonly environmentId: string }
  | { readonly what: 'mount'; readonly mountId: string }
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
      return grant.work.environmentId === target.environmentId;
    case 'mount':
      return 'mountId' in grant.work && grant.work.mountId === target.mountId;
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
      return lease.work.environmentId === target.environmentId;
    case 'mount':
      return 'mountId' in lease.work && lease.work.mountId === target.mountId;
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
    case 'mount':
      return 'mountId' in request.work && request.work.mountId === target.mountId;
  }
}
