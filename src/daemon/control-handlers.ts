// What a human may say, row by row of the control socket. Whether a row needs the passphrase stands in the method table
// and was checked before the handler runs (daemon/guard.ts).

import { TIER_PASSPHRASE } from '../authority/policy.ts';
import { denialOf } from '../authority/readers.ts';
import { Failure } from '../core/failure.ts';
import type { Request, Work } from '../core/request.ts';
import { exportEvents } from '../audit/export.ts';
import { verifyLog } from '../audit/verify.ts';
import { Vault } from '../vault/vault.ts';
import type { METHODS, MethodName } from '../wire/methods.ts';
import type { Call, Handlers } from '../wire/calls.ts';
import { disclosureHandlers } from './disclosure-handlers.ts';
import { doctorChecks } from './doctor.ts';
import { environmentHandlers } from './environment-handlers.ts';
import { heldOutputHandlers } from './held-output-handlers.ts';
import { collectionHandlers, itemHandlers, itemValueHandlers } from './item-handlers.ts';
import { SEARCH_PATH_SETTING } from './jobs.ts';
import { mountControlHandlers } from './mount-handlers.ts';
import { part } from './parts.ts';
import type { Service } from './service.ts';
import { VERSION } from '../core/version.ts';
import { agentView, grantView, leaseView, requestView, requestViewBelowAgent } from './views.ts';
import { WATCH_IDLE_MINUTES } from './watchers.ts';

type ControlMethod = { [M in MethodName]: (typeof METHODS)[M]['socket'] extends 'control' ? M : never }[MethodName];

export function controlHandlers(service: Service, stop: () => void): Pick<Handlers, ControlMethod> {
  return {
    ...daemonHandlers(service, stop),
    ...vaultHandlers(service),
    ...environmentHandlers(service),
    ...requestHandlers(service),
    ...heldOutputHandlers(service),
    ...grantHandlers(service),
    ...agentRegistryHandlers(service),
    ...auditHandlers(service),
    ...mountControlHandlers(service),
    ...disclosureHandlers(service),
    ...collectionHandlers(service),
    ...itemHandlers(service),
    ...itemValueHandlers(service),
  };
}

function daemonHandlers(service: Service, stop: () => void) {
  return {
    status: async () => {
      const { authority, vault, isUnlocked } = service;
      return {
        version: VERSION,
        pid: process.pid,
        home: service.paths.home,
        vault: vault === null ? ('absent' as const) : isUnlocked ? ('unlocked' as const) : ('locked' as const),
        vaultId: vault?.vaultId ?? null,
        startedAt: new Date(service.startedAtWall).toISOString(),
        requests: authority.tickets.waiting().length,
        grants: authority.grants.all(service.nowMs()).length,
        leases: authority.leases.all().length,
        mounts: service.mounts.count,
      };
    },
    doctor: async () => ({ checks: doctorChecks(service) }),
    'daemon.stop': async () => {
      stop();
      return {};
    },
  } satisfies Partial<Handlers>;
}

function vaultHandlers(service: Service) {
  const files = { vault: service.paths.vault, deviceKey: service.paths.deviceKey };
  return {
    'vault.init': async (call: Call<'vault.init'>) => {
      if (service.vault !== null) throw new Failure('vault/exists', 'this home has a vault already');
      const { kdf } = service.settings;
      const vault = await Vault.create({
        files,
        passphrase: part(call, 0, 'the passphrase'),
        kdf: { memoryKiB: kdf.memoryMib * 1024, passes: kdf.passes, lanes: kdf.lanes },
        now: Date.now,
      });
      await service.becomeUnlocked(vault, 'vault_created');
      vault.setSetting(SEARCH_PATH_SETTING, call.params.searchPath.filter((path) => path.startsWith('/')).join(':'));
      if (call.params.wantsRecoveryKey) await giveRecoveryKey(service, call, vault);
      return { vaultId: vault.vaultId };
    },
    'vault.unlock': async (call: Call<'vault.unlock'>) => {
      const vault = present(service);
      const wasUnlocked = service.isUnlocked;
      try {
        if (wasUnlocked) await vault.verify(part(call, 0, 'the passphrase'));
        else await vault.unlock(part(call, 0, 'the passphrase'));
      } catch (error) {
        await recordRefusedUnlock(service, error);
        throw error;
      }
      if (!wasUnlocked) await service.becomeUnlocked(vault, 'vault_unlocked');
      return {};
    },
    'vault.lock': async () => {
      await service.lock('locked');
      return {};
    },
    'vault.recover': async (call: Call<'vault.recover'>) => {
      const vault = present(service);
      if (service.isUnlocked)
        throw new Failure('usage/invalid', 'the vault is unlocked', { hint: 'keystile lock first' });
      try {
        await vault.recover(part(call, 0, 'the recovery key'), part(call, 1, 'the new passphrase'));
      } catch (error) {
        await recordRefusedUnlock(service, error);
        throw error;
      }
      await service.becomeUnlocked(vault, 'vault_recovered');
      return {};
    },
    'vault.recovery_key': async (call: Call<'vault.recovery_key'>) => {
      const vault = service.unlocked();
      await giveRecoveryKey(service, call, vault);
      return { vaultId: vault.vaultId };
    },
  } satisfies Partial<Handlers>;
}

function requestHandlers(service: Service) {
  const { authority } = service;
  const waiting = () => authority.tickets.waiting().map(({ request }) => request);
  return {
    'request.list': async ({ connection }: Call<'request.list'>) => {
      const isUnderAgent = (await service.agentAbove(connection.peer)) !== null;
      if (isUnderAgent) {
        // Which files a run left secrets in, and what it is suspected of, is for people.
        const shown = waiting().filter(({ work }) => !saysNames(work));
        return { requests: shown.map(requestViewBelowAgent), held: [], notices: [] };
      }
      return { requests: waiting().map(requestView), held: service.heldOutputs.all, notices: service.notices.all };
    },
    'request.show': async ({ params, connection }: Call<'request.show'>) => {
      const ticket = authority.tickets.find(params.requestId);
      if (ticket === undefined) throw new Failure('request/not_found', 'there is no such request');
      if ((await service.agentAbove(connection.peer)) === null) return { request: requestView(ticket.request) };
      if (saysNames(ticket.request.work)) {
        throw new Failure('human/under_agent', 'where a reference leads is not shown below a coding agent');
      }
      return { request: requestViewBelowAgent(ticket.request) };
    },
    'request.approve': async ({ params }: Call<'request.approve'>) => {
      const { output, ...given } = params;
      const ticket = authority.tickets.find(params.requestId);
      const grantId = await authority.approve({
        ...given,
        ...(output === undefined ? {} : { output }),
        tier: TIER_PASSPHRASE,
      });
      if (ticket?.request.admits === true) service.keepAgent(ticket.request.agent, 'admitted');
      return { grantId };
    },
    'request.deny': async ({ params }: Call<'request.deny'>) => {
      const ticket = authority.tickets.find(params.requestId);
      const isForGood = params.blocksAgent === true;
      await authority.deny(params.requestId, isForGood);
      if (isForGood && ticket !== undefined) await blockAsker(service, ticket.request);
      return {};
    },
    'watch.open': async ({ connection }: Call<'watch.open'>) => {
      service.watchers.open(connection, service.nowMs());
      const { heldOutputs, notices } = service;
      return {
        requests: waiting().map(requestView),
        held: heldOutputs.all,
        notices: notices.all,
        idleMinutes: WATCH_IDLE_MINUTES,
      };
    },
  } satisfies Partial<Handlers>;
}

function grantHandlers(service: Service) {
  const { authority } = service;
  return {
    'grant.list': async () => ({ grants: authority.grants.all(service.nowMs()).map((grant) => grantView(grant)) }),
    'lease.list': async () => ({ leases: authority.leases.all().map((lease) => leaseView(lease)) }),
    revoke: async ({ params }: Call<'revoke'>) => {
      if (params.what === 'all') service.endDisclosures('request/over', 'everything was revoked meanwhile');
      if (params.what !== 'environment') return await authority.revoke(params);
      // A locked vault has no name to look up, and nothing left to revoke.
      if (!service.isUnlocked) return { grants: 0, leases: 0, requests: 0 };
      const { environmentId } = service.unlocked().environment(params.environment);
      return await authority.revoke({ what: 'environment', environmentId });
    },
  } satisfies Partial<Handlers>;
}

function agentRegistryHandlers(service: Service) {
  const { authority } = service;
  return {
    'agent.list': async () => ({
      agents: service
        .unlocked()
        .agents()
        .map((agent) => agentView(agent, authority.agents.pidsOf(agent.agentId))),
    }),
    'agent.admit': async ({ params: { agentId } }: Call<'agent.admit'>) => {
      const connected = service.connectedAgents(agentId);
      if (connected.length === 0) {
        throw new Failure('name/not_found', 'no process of that agent is connected now', {
          hint: 'an admission lasts as long as the process; approve the request it makes',
        });
      }
      await service.record({
        event: 'agent_admitted',
        facts: { agentId, tier: TIER_PASSPHRASE, count: connected.length },
      });
      authority.agents.unblock(agentId);
      for (const agent of connected) {
        authority.agents.admit(agent);
        service.keepAgent(agent, 'admitted');
      }
      return {};
    },
    'agent.block': async ({ params: { agentId } }: Call<'agent.block'>) => await blockAgent(service, agentId),
    'agent.forget': async ({ params: { agentId } }: Call<'agent.forget'>) => {
      const agent = storedAgent(service, agentId);
      await service.record({ event: 'agent_forgotten', facts: { agentId }, names: { agent: agent.program } });
      await authority.revoke({ what: 'agent', agentId });
      authority.agents.forget(agentId);
      service.forgetAgent(agentId);
      return {};
    },
  } satisfies Partial<Handlers>;
}

function auditHandlers(service: Service) {
  return {
    'audit.list': async ({ params }: Call<'audit.list'>) => {
      const { fromSeq, limit = 1_000, newestFirst = false } = params;
      const events = await service.audit.events({ limit, newestFirst, ...(fromSeq === undefined ? {} : { fromSeq }) });
      return { events };
    },
    'audit.verify': async () => await verifyLog({ ...service.audit.evidence, ...service.knownEvents() }),
    'audit.export': async (call: Call<'audit.export'>) => {
      await service.record({ event: 'audit_exported', facts: { why: call.params.format } });
      call.setParts([Buffer.from(exportEvents(await service.audit.events({}), call.params.format, VERSION))]);
      return {};
    },
  } satisfies Partial<Handlers>;
}

/** Whether it says what a reference leads to, which is for people only: an agent could ask for any, and read which exist. */
function saysNames(work: Work): boolean {
  if (work.action === 'Reveal') return true;
  return 'variables' in work && work.variables.some(({ reference }) => reference !== undefined);
}

// --- steps several rows share ---------------------------------------------------------------------------------------

function present(service: Service): Vault {
  if (service.vault === null) throw new Failure('vault/absent', 'there is no vault in this home yet');
  return service.vault;
}

async function recordRefusedUnlock(service: Service, error: unknown): Promise<void> {
  const why = Failure.from(error).code;
  await service
    .record({ event: 'unlock_refused', facts: { why } })
    .catch((e: unknown) => service.log.failure('audit', e));
}

async function giveRecoveryKey(
  service: Service,
  call: Call<'vault.init'> | Call<'vault.recovery_key'>,
  vault: Vault,
): Promise<void> {
  await service.record({ event: 'recovery_kit_written', facts: {} });
  call.setParts([Buffer.from(vault.makeRecoveryKey().reveal())]);
}

function storedAgent(service: Service, agentId: string) {
  const agent = service
    .unlocked()
    .agents()
    .find((candidate) => candidate.agentId === agentId);
  if (agent === undefined)
    throw new Failure('name/not_found', 'there is no such agent', { hint: 'keystile agents lists them' });
  return agent;
}

/** Of an agent, everything; of a program that reads a mounted file, that file for good. */
async function blockAsker(service: Service, { agent, work }: Request): Promise<void> {
  if (work.action === 'ReadMount') {
    const { program, argv } = work.reader.process;
    const said = work.reader.isInterpreter ? `${program} ${argv.slice(1).join(' ')}` : program;
    service.mounts.denyForGood(work.mountId, denialOf({ agent, work }), said.slice(0, 200));
  } else {
    await blockAgent(service, agent.agentId);
  }
}

async function blockAgent(service: Service, agentId: string) {
  const agent = storedAgent(service, agentId);
  const revoked = await service.authority.block({ ...agent, isBlocked: true });
  service.unlocked().putAgent({ ...agent, state: 'blocked' });
  await service.record({ event: 'agent_blocked', facts: { agentId }, names: { agent: agent.program } });
  return revoked;
}
