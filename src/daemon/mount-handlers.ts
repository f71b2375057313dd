// What a human and an agent may say about mounted files and imports. Whoever reads a mounted file says nothing: it opens it.

import type { Ask } from '../authority/gate.ts';
import type { ChangeMade } from '../authority/powers.ts';
import type { Environment } from '../core/environment.ts';
import { Failure } from '../core/failure.ts';
import type { MountFacts } from '../core/mount-facts.ts';
import type { AgentFacts, Arranging } from '../core/request.ts';
import { checkPathText } from '../machine/mount-path.ts';
import type { Call, Handlers } from '../wire/calls.ts';
import type { LocalFileView } from '../wire/views.ts';
import { caller, environmentOf, settle, whenAdmitted } from './agent-calls.ts';
import { lockedAnswer } from './answers.ts';
import { isInFile } from './door.ts';
import { askWorkUnderAgent } from './guard.ts';
import { importFacts, importFile, restoreFile } from './imports.ts';
import { variableFacts } from './run-facts.ts';
import type { Service } from './service.ts';

/** For the human's shell. A process under an agent asks first (the method table says so). */
export function mountControlHandlers(service: Service) {
  const find = (nameOrId: string) => service.unlocked().environment(nameOrId);
  return {
    'environment.import': async (call: Call<'environment.import'>) => {
      const { environment: environmentName, path, mounts, backend } = call.params;
      const facts = await importFacts(service, { path, environmentName, mounts, backend });
      const asked = await askWorkUnderAgent(service, call, facts);
      return {
        ...importedOf(asked ?? (await importFile(service, facts, null))),
        ...(asked !== null && { asked: true }),
      };
    },
    'mount.add': async (call: Call<'mount.add'>) => {
      const { path, backend } = call.params;
      const environment = find(call.params.environment);
      await service.mounts.check(path);
      const work = mountFacts(service, 'mount', environment, path, service.mounts.backendFor(backend));
      if ((await askWorkUnderAgent(service, call, work)) !== null) return { asked: true };
      const { environmentId } = environment;
      return { mount: await service.mounts.mount({ environmentId, path, backend, createdBy: null }) };
    },
    'mount.remove': async (call: Call<'mount.remove'>) => {
      const { path } = call.params;
      const { stored } = service.mounts.find(path);
      const work = mountFacts(
        service,
        'unmount',
        environmentOfMount(service, stored.environmentId),
        path,
        stored.backend,
      );
      if ((await askWorkUnderAgent(service, call, work)) !== null) return { asked: true };
      await service.mounts.unmount(path);
      return {};
    },
    'mount.list': async () => ({ mounts: service.mounts.list() }),
    'mount.ask_again': async ({ params }: Call<'mount.ask_again'>) => {
      service.mounts.askAgain(params.path);
      return {};
    },
    'mount.restore': async ({ params }: Call<'mount.restore'>) => {
      await restoreFile(service, params.path);
      return {};
    },
    'mount.forget_backup': async ({ params }: Call<'mount.forget_backup'>) => {
      const { mounts } = service.unlocked();
      mounts.backup(params.path).bytes.wipe();
      mounts.dropBackup(params.path);
      return {};
    },
  } satisfies Partial<Handlers>;
}

export function mountAgentHandlers(service: Service) {
  return {
    'mounts.create': async (call: Call<'mounts.create'>) => {
      const agent = await caller(service, call);
      if (!service.isUnlocked) return lockedAnswer();
      const { environmentId, path } = call.params;
      const environment = environmentOf(service.unlocked(), environmentId);
      await service.mounts.check(path);
      const work = mountFacts(service, 'mount', environment, path, service.mounts.backendFor('auto'));
      return await settle(service, call, arrangeAsk(agent, work, environment.createdBy), () => ({ mountPath: path }));
    },

    'mounts.list': async (call: Call<'mounts.list'>) =>
      await whenAdmitted(service, call, () => ({ files: localFiles(service, call.params.environmentId) })),

    'mounts.remove': async (call: Call<'mounts.remove'>) => {
      const admitted = await whenAdmitted(service, call, () => ({}));
      if (admitted.status !== 'completed') return admitted;
      const agent = await caller(service, call);
      const { path } = call.params;
      checkPathText(path);
      const { stored } = service.mounts.find(path);
      const environment = environmentOfMount(service, stored.environmentId);
      const work = mountFacts(service, 'unmount', environment, path, stored.backend);
      return await settle(service, call, arrangeAsk(agent, work, stored.createdBy), () => ({}));
    },

    'environments.import': async (call: Call<'environments.import'>) => {
      // What is wrong with an import may be a name that is taken: names are for admitted agents.
      const admitted = await whenAdmitted(service, call, () => ({}));
      if (admitted.status !== 'completed') return admitted;
      const agent = await caller(service, call);
      const work = await importFacts(service, { ...call.params, backend: 'auto' });
      return await settle(service, call, arrangeAsk(agent, work, null), ({ made }) => {
        const { environmentId, variableNames } = importedOf(made);
        return { environmentId, variableNames: [...variableNames] };
      });
    },
  } satisfies Partial<Handlers>;
}

/** What agents may know: where, of which environment, and whether it works. */
export function localFiles(service: Service, environmentId?: string): LocalFileView[] {
  return service.mounts
    .list()
    .filter((mount) => environmentId === undefined || mount.environmentId === environmentId)
    .map(({ path, environmentId, state }) => ({ mountPath: path, environmentId, state }));
}

function mountFacts(
  service: Service,
  verb: MountFacts['verb'],
  environment: Pick<Environment, 'environmentId' | 'name' | 'createdBy' | 'variables'>,
  path: string,
  backend: MountFacts['backend'],
): MountFacts {
  const { environmentId, name, createdBy, variables } = environment;
  return {
    action: 'Mount',
    verb,
    environmentId,
    environmentName: name,
    environmentCreatedBy: createdBy,
    variables: variableFacts(
      service,
      name,
      variables.filter((one) => isInFile(one, service.elsewhere)),
    ),
    path,
    backend,
  };
}

/** A mount may outlive its environment, and has to be taken away all the same. */
function environmentOfMount(service: Service, environmentId: string) {
  const known = service
    .unlocked()
    .environments()
    .find((candidate) => candidate.environmentId === environmentId);
  return known ?? { environmentId, name: '(deleted)', createdBy: null, variables: [] };
}

function arrangeAsk(agent: AgentFacts, work: Arranging, createdBy: string | null): Ask {
  return { agent, work, reason: '', stdin: null, createdBy, outputAtMost: 'redacted', needsAdmission: true };
}

function importedOf(made: ChangeMade | null) {
  if (made?.kind !== 'imported') throw new Failure('internal/error', 'an import ended without a result');
  return { environmentId: made.environmentId, variableNames: made.variableNames };
}
