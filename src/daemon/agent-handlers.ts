// What an agent may say, row by row of the agent's socket. Nothing here reads the vault's values: every row that has an
// effect makes an Ask and takes it to the gate (I9). Hidden and absent look the same.

import type { Ask } from '../authority/gate.ts';
import type { ChangeMade } from '../authority/powers.ts';
import { TIER_MIN, GRANT_MINUTES_MAX } from '../authority/policy.ts';
import type { Change, VariableDraft } from '../core/environment.ts';
import { Failure } from '../core/failure.ts';
import { parseDraftName, parseTitle } from '../core/names.ts';
import type { Work } from '../core/request.ts';
import { WAIT_SECONDS_MAX } from '../wire/methods.ts';
import type { AgentAnswer } from '../wire/views.ts';
import type { Call, Handlers } from '../wire/calls.ts';
import {
  caller,
  changeAsk,
  connectAsk,
  environmentOf,
  settle,
  whenAdmitted,
  type AnyAgentCall,
} from './agent-calls.ts';
import { answerOf, anyResult, changeResult, lockedAnswer, resultOf, waitFor } from './answers.ts';
import { localFiles, mountAgentHandlers } from './mount-handlers.ts';
import { runAsk } from './run-facts.ts';
import type { Service } from './service.ts';
import { grantView } from './views.ts';

type AgentMethod =
  | 'authenticate'
  | 'access.status'
  | 'environments.list'
  | 'environments.create'
  | 'environments.rename'
  | 'variables.list'
  | 'variables.append'
  | 'variables.remove'
  | 'run.start'
  | 'mounts.create'
  | 'mounts.list'
  | 'mounts.remove'
  | 'environments.import'
  | 'requests.check'
  | 'requests.cancel';

export function agentHandlers(service: Service): Pick<Handlers, AgentMethod> {
  return {
    ...accessHandlers(service),
    ...nameHandlers(service),
    ...changeHandlers(service),
    ...requestHandlers(service),
    ...mountAgentHandlers(service),
  };
}

function accessHandlers(service: Service) {
  const { authority } = service;
  return {
    authenticate: async (call: Call<'authenticate'>) => {
      const agent = await caller(service, call);
      const accountId = service.vault?.vaultId ?? '';
      return await settle(service, call, connectAsk(agent), () => ({
        accountId,
        agentId: agent.agentId,
        locked: false,
      }));
    },

    'access.status': async (call: Call<'access.status'>) => {
      const agent = await caller(service, call);
      const { pid, startedAt } = agent.process;
      const grants = authority.grants.all(service.nowMs()).filter(({ process }) => {
        return process !== null && process.pid === pid && process.startedAt === startedAt;
      });
      return {
        status: 'completed' as const,
        locked: !service.isUnlocked,
        agentId: agent.agentId,
        admitted: authority.agents.isAdmitted(agent),
        grants: service.isUnlocked ? grants.map((grant) => grantView(grant)) : [],
        mounts: service.isUnlocked && authority.agents.isAdmitted(agent) ? localFiles(service) : [],
        policy: { default: 'ask', minimumTier: TIER_MIN, maxGrantMinutes: GRANT_MINUTES_MAX },
      };
    },
  } satisfies Partial<Handlers>;
}

function nameHandlers(service: Service) {
  return {
    'environments.list': async (call: Call<'environments.list'>) =>
      await whenAdmitted(service, call, (vault) => ({
        environments: vault.environments().map(({ environmentId, name, variables }) => {
          return { environmentId, name, variableCount: variables.length };
        }),
      })),

    'variables.list': async (call: Call<'variables.list'>) =>
      await whenAdmitted(service, call, (vault) => {
        const { variables } = environmentOf(vault, call.params.environmentId);
        return {
          variableNames: variables.map(({ name }) => name),
          variables: variables.map(({ name, kind, concealed, reference }) => {
            return { name, kind, concealed, ...(reference === undefined ? {} : { reference }) };
          }),
        };
      }),
  } satisfies Partial<Handlers>;
}

function changeHandlers(service: Service) {
  return {
    'environments.create': async (call: Call<'environments.create'>) => {
      const agent = await caller(service, call);
      const environmentName = parseTitle(call.params.environmentName, 'environmentName');
      const change: Change = { kind: 'create', environmentName, drafts: checkedDrafts(call.params.drafts ?? []) };
      const work: Work = { action: 'CreateEnvironment', environmentName, change };
      return await settle(service, call, changeAsk(agent, work, null), ({ made }) => {
        const created = madeOf(made);
        return { environmentId: created.kind === 'created' ? created.environmentId : '' };
      });
    },

    'environments.rename': async (call: Call<'environments.rename'>) => {
      const environmentName = parseTitle(call.params.environmentName, 'environmentName');
      const { environmentId } = call.params;
      return await change(service, call, { kind: 'rename', environmentId, environmentName }, changeResult);
    },

    'variables.append': async (call: Call<'variables.append'>) => {
      const { environmentId, drafts } = call.params;
      const wanted = { kind: 'append' as const, environmentId, drafts: checkedDrafts(drafts) };
      return await change(service, call, wanted, (made) => ({
        missing: made.kind === 'appended' ? [...made.missing] : [],
      }));
    },

    'variables.remove': async (call: Call<'variables.remove'>) => {
      const { environmentId, names } = call.params;
      return await change(service, call, { kind: 'remove', environmentId, names }, changeResult);
    },
  } satisfies Partial<Handlers>;
}

function requestHandlers(service: Service) {
  const { authority } = service;
  return {
    'run.start': async (call: Call<'run.start'>) => await startRun(service, call),

    'requests.check': async (call: Call<'requests.check'>) => {
      const agent = await caller(service, call);
      const ticket = authority.find(call.params.requestId, agent);
      await waitFor(ticket, call.params.waitSeconds ?? WAIT_SECONDS_MAX, call.signal);
      return answerOf(ticket, anyResult(ticket, service.vault?.vaultId ?? ''));
    },

    'requests.cancel': async (call: Call<'requests.cancel'>) => {
      await authority.cancel(call.params.requestId, await caller(service, call));
      return { status: 'completed' as const };
    },
  } satisfies Partial<Handlers>;
}

async function startRun(service: Service, call: Call<'run.start'>) {
  const agent = await caller(service, call);
  if (!service.isUnlocked) return lockedAnswer();
  const { environmentId, ...params } = call.params;
  if (environmentId === undefined && Object.keys(params.references ?? {}).length === 0) {
    throw new Failure('input/invalid', 'name the environment whose variables the command needs, or references', {
      field: 'environmentId',
    });
  }
  const environment = environmentId === undefined ? null : environmentOf(service.unlocked(), environmentId);
  const { run, stdin, outputAtMost } = await runAsk(service, params, environment);
  const createdBy = environment?.createdBy ?? null;
  const ask: Ask = { agent, work: run, reason: params.reason, stdin, createdBy, outputAtMost, needsAdmission: true };
  return await settle(service, call, ask, resultOf);
}

async function change<T extends object>(
  service: Service,
  call: AnyAgentCall,
  wanted: Exclude<Change, { kind: 'create' }>,
  completed: (made: ChangeMade) => T,
): Promise<AgentAnswer<T>> {
  const agent = await caller(service, call);
  if (!service.isUnlocked) return lockedAnswer();
  const { environmentId, name, createdBy } = environmentOf(service.unlocked(), wanted.environmentId);
  const work: Work = { action: 'ChangeEnvironment', environmentId, environmentName: name, change: wanted };
  return await settle(service, call, changeAsk(agent, work, createdBy), ({ made }) => completed(madeOf(made)));
}

function madeOf(made: ChangeMade | null): ChangeMade {
  if (made === null) throw new Failure('internal/error', 'a change ended without a result');
  return made;
}

function checkedDrafts(drafts: readonly VariableDraft[]): VariableDraft[] {
  return drafts.map((draft, i) => {
    parseDraftName(draft.name, `variables[${i}].name`);
    return draft;
  });
}
