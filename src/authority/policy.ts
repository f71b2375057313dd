// What happens before anybody is asked. Without rules of its own the answer is the default of CONTRACT §3 and §6:
// an admitted agent sees names, makes environments and changes its own; everything else asks, at tier 1.

import type { Environment } from '../core/environment.ts';
import type { Approval, Tier, Work } from '../core/request.ts';

export type Decision =
  | { readonly kind: 'allow' }
  | { readonly kind: 'ask'; readonly tier: Tier }
  | { readonly kind: 'forbid'; readonly message: string };

/** A remembered yes lasts at most this long, whatever was chosen; `until_lock` is its own limit. */
export const GRANT_MINUTES_MAX = 720;
export const TIER_MIN: Tier = 1;
/** What a yes has that came with the passphrase. */
export const TIER_PASSPHRASE = 1;

/** `createdBy` is who made the environment or mount the work is about, when it is about one. */
export function decide(work: Work, agentId: string, createdBy: Environment['createdBy']): Decision {
  switch (work.action) {
    case 'Connect':
    case 'CreateEnvironment':
      return { kind: 'allow' };
    case 'ChangeEnvironment':
      return createdBy === agentId ? { kind: 'allow' } : { kind: 'ask', tier: TIER_MIN };
    case 'Mount':
      // Taking away what it put there gives an agent nothing.
      return work.verb === 'unmount' && createdBy === agentId ? { kind: 'allow' } : { kind: 'ask', tier: TIER_MIN };
    case 'ImportFile':
    case 'ReadMount':
    case 'Reveal':
    case 'Run':
      return { kind: 'ask', tier: TIER_MIN };
  }
}

/** The approval as policy lets it stand. */
export function clamp(approval: Approval): Approval {
  const { life } = approval;
  if (life.kind !== 'minutes' || life.minutes <= GRANT_MINUTES_MAX) return approval;
  return { ...approval, life: { kind: 'minutes', minutes: GRANT_MINUTES_MAX } };
}
