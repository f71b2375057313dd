// Values for a command of the human's own. Who may have them was settled before: by the passphrase, by the terminal it
// was typed at, or by a request under an agent that the human said yes to. On the record first, then the vault (I2, I9).

import type { Disclosed, Purpose, Wanted } from '../core/disclosure.ts';
import type { EventNames } from '../core/event.ts';
import { Failure } from '../core/failure.ts';
import { TIER_MIN } from './policy.ts';
import type { Powers } from './powers.ts';
import type { Ticket } from './tickets.ts';

/** Why these values may be handed over. */
export type Proof =
  /** The passphrase, with this command. */
  | { readonly kind: 'passphrase' }
  /** The passphrase, at this terminal, a while ago (daemon/terminals.ts). */
  | { readonly kind: 'terminal' }
  /** A yes to exactly this, used up by it (I5). */
  | { readonly kind: 'request'; readonly ticket: Ticket };

export interface Disclosure {
  readonly purpose: Purpose;
  readonly wanted: readonly Wanted[];
  readonly proof: Proof;
  /** The process that gets them. */
  readonly pid: number;
  readonly names: EventNames;
  /** Aborts when that process has left. */
  readonly signal: AbortSignal;
}

/** Throws `vault/locked`, `request/over`, `audit/unavailable`, and what the vault or a source says. */
export async function disclose(powers: Powers, disclosure: Disclosure): Promise<Disclosed[]> {
  const { purpose, wanted, proof, pid, names, signal } = disclosure;
  refuseLocked(powers);
  const asked = proof.kind === 'request' ? { requestId: spend(proof.ticket, wanted) } : {};
  const facts = { why: purpose, action: proof.kind, pid, count: wanted.length, tier: TIER_MIN, ...asked };
  await powers.record({ event: 'revealed', facts, names });
  // Locked while the disk was busy.
  refuseLocked(powers);
  const disclosed = await powers.disclose(wanted, signal);
  if (powers.isUnlocked()) return disclosed;
  for (const { value } of disclosed) value.wipe();
  throw new Failure('vault/locked', 'the vault was locked meanwhile');
}

function refuseLocked(powers: Powers): void {
  if (!powers.isUnlocked()) throw new Failure('vault/locked', 'the vault is locked');
}

function spend(ticket: Ticket, wanted: readonly Wanted[]): string {
  const { work } = ticket.request;
  const approved = work.action === 'Reveal' ? new Set(work.references.map(({ reference }) => reference)) : new Set();
  const isApproved = wanted.every(({ place }) => place.kind === 'reference' && approved.has(place.reference));
  if (!isApproved) throw new Failure('request/changed', 'that is not what was approved');
  ticket.spend();
  return ticket.requestId;
}
