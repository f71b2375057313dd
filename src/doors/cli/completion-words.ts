// The names that a shell completes: `keystile completion-words KIND`, asked by the scripts of completion.ts and typed by
// nobody. It starts no daemon, asks no person, and on anything unusual prints nothing.

import { isAgentMarker, knownAgentAbove } from '../../core/agents-above.ts';
import { ancestorsOf } from '../../machine/processes.ts';
import type { Answer } from '../../wire/answers.ts';
import type { Connection } from '../../wire/client.ts';
import type { NameKind } from './command.ts';
import { findDaemon } from './daemon.ts';

/** Whoever pressed the key is waiting. */
const WAIT_MS = 2_000;
const WORDS_MAX = 5_000;
/** What could end a line, hide, or turn a line around. */
const UNFIT = /[\p{C}\p{Zl}\p{Zp}]/u;

type Ask = (daemon: Connection, options: { readonly signal: AbortSignal }) => Promise<readonly string[]>;

const ASKS: Readonly<Record<NameKind, Ask>> = {
  environment: async (daemon, options) => {
    const { result } = await daemon.call('environment.list', {}, options);
    return result.environments.map(({ name }) => name);
  },
  mount: async (daemon, options) => {
    const { result } = await daemon.call('mount.list', {}, options);
    return result.mounts.map(({ path }) => path);
  },
  request: async (daemon, options) => {
    const { result } = await daemon.call('request.list', {}, options);
    return result.requests.map(({ requestId }) => requestId);
  },
  agent: async (daemon, options) => {
    const { result } = await daemon.call('agent.list', {}, options);
    return result.agents.map(({ agentId }) => agentId);
  },
  grant: async (daemon, options) => {
    const { result: granted } = await daemon.call('grant.list', {}, options);
    const { result: leased } = await daemon.call('lease.list', {}, options);
    const leases = leased.leases.flatMap(({ leaseId, runId }) => (runId === null ? [leaseId] : [leaseId, runId]));
    return [...granted.grants.map(({ grantId }) => grantId), ...leases];
  },
  vault: async (daemon, options) => {
    const { result } = await daemon.call('collection.list', {}, options);
    return result.collections.map(({ name }) => name);
  },
  item: async (daemon, options) => {
    const { result } = await daemon.call('collection.list', {}, options);
    const titles: string[] = [];
    for (const { collectionId: collection } of result.collections) {
      for (let after: string | null = ''; after !== null && titles.length < WORDS_MAX;) {
        const page: Answer<'item.list'> = await daemon.call(
          'item.list',
          { collection, isArchived: false, after },
          options,
        );
        for (const { title } of page.result.items) titles.push(title);
        after = page.result.next;
      }
    }
    return [...new Set(titles)];
  },
};
const BY_KIND: ReadonlyMap<string, Ask> = new Map(Object.entries(ASKS));

/**
 * The names of that kind, a line each; empty when the kind is unknown, no daemon runs, the vault is locked, or a coding agent
 * is above: it has its own way to see names, which a person admits it to. Never throws.
 */
export async function completionWords(kind: string): Promise<string> {
  try {
    const ask = BY_KIND.get(kind);
    if (ask === undefined || isUnderAgent()) return '';
    using daemon = await findDaemon();
    if (daemon === null) return '';
    const words = await ask(daemon, { signal: AbortSignal.timeout(WAIT_MS) });
    const fit = words.filter((word) => word !== '' && !UNFIT.test(word)).slice(0, WORDS_MAX);
    return fit.map((word) => `${word}\n`).join('');
  } catch {
    return '';
  }
}

function isUnderAgent(): boolean {
  return Object.keys(process.env).some(isAgentMarker) || knownAgentAbove(ancestorsOf(process.pid)) !== null;
}
