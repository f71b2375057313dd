// What the human may say of environments and their variables. A process under an agent asks first (the method table says so).

import type { Change, Environment } from '../core/environment.ts';
import { parseTitle, parseVariableName } from '../core/names.ts';
import { Secret } from '../core/secret.ts';
import { generateValue } from '../vault/generate.ts';
import type { AnyCall, Call, Handlers } from '../wire/calls.ts';
import type { Params } from '../wire/methods.ts';
import type { EnvironmentView } from '../wire/views.ts';
import { askUnderAgent } from './guard.ts';
import { part } from './parts.ts';
import type { Service } from './service.ts';

export function environmentHandlers(service: Service) {
  const find = (nameOrId: string) => service.unlocked().environment(nameOrId);
  return {
    'environment.list': async (call: Call<'environment.list'>) => {
      const view = await viewFor(service, call);
      return { environments: service.unlocked().environments().map(view) };
    },
    'environment.show': async (call: Call<'environment.show'>) => {
      const view = await viewFor(service, call);
      return { environment: view(find(call.params.environment)) };
    },
    'environment.create': async (call: Call<'environment.create'>) => {
      const name = parseTitle(call.params.name);
      const asked = await askUnderAgent(service, call, { kind: 'create', environmentName: name, drafts: [] }, null);
      if (asked !== null) return { environmentId: asked?.kind === 'created' ? asked.environmentId : '', asked: true };
      await service.record({ event: 'environment_created', facts: {}, names: { environment: name } });
      return { environmentId: service.unlocked().createEnvironment(name, null).environmentId };
    },
    'environment.rename': async (call: Call<'environment.rename'>) => {
      const { environmentId, name: before } = find(call.params.environment);
      const name = parseTitle(call.params.name);
      const change: Change = { kind: 'rename', environmentId, environmentName: name };
      if ((await askUnderAgent(service, call, change, before)) !== null) return { asked: true };
      await service.record({ event: 'environment_renamed', facts: { environmentId }, names: { environment: name } });
      service.unlocked().renameEnvironment(environmentId, name);
      return {};
    },
    'environment.delete': async ({ params }: Call<'environment.delete'>) => {
      const { environmentId, name } = find(params.environment);
      await service.authority.revoke({ what: 'environment', environmentId });
      for (const mount of service.mounts.list())
        if (mount.environmentId === environmentId) await service.mounts.unmount(mount.path);
      await service.record({ event: 'environment_deleted', facts: { environmentId }, names: { environment: name } });
      service.unlocked().deleteEnvironment(environmentId);
      return {};
    },
    'environment.set_output': async ({ params }: Call<'environment.set_output'>) => {
      const { environmentId, name } = find(params.environment);
      const facts = { environmentId, why: params.output };
      await service.record({ event: 'environment_output_set', facts, names: { environment: name } });
      service.unlocked().setOutput(environmentId, params.output);
      return {};
    },
    'environment.set': async (call: Call<'environment.set'>) => await setVariable(service, call),
    'environment.unset': async (call: Call<'environment.unset'>) => {
      const { environmentId, name: environment } = find(call.params.environment);
      const { name } = call.params;
      const asked = await askUnderAgent(service, call, { kind: 'remove', environmentId, names: [name] }, environment);
      if (asked !== null) return { asked: true };
      await service.record({
        event: 'variable_unset',
        facts: { environmentId },
        names: { environment, variables: [name] },
      });
      service.unlocked().unsetVariable(environmentId, name);
      return {};
    },
  } satisfies Partial<Handlers>;
}

async function viewFor(
  service: Service,
  { connection }: Pick<AnyCall, 'connection'>,
): Promise<(environment: Environment) => EnvironmentView> {
  if ((await service.agentAbove(connection.peer)) === null) return (environment) => environment;
  return ({ variables, ...rest }) => ({
    ...rest,
    variables: variables.map(({ maskable: _no, maskability: _why, ...variable }) => variable),
  });
}

async function setVariable(service: Service, call: Call<'environment.set'>) {
  const { source } = call.params;
  const { environmentId, name: environment } = service.unlocked().environment(call.params.environment);
  const name = parseVariableName(call.params.name);
  const change = changeOf(environmentId, name, source);
  if ((await askUnderAgent(service, call, change, environment)) !== null) return { asked: true };
  await service.record({
    event: 'variable_set',
    facts: { environmentId, why: source.kind },
    names: { environment, variables: [name] },
  });
  const vault = service.unlocked();
  switch (source.kind) {
    case 'value':
      vault.setVariable(environmentId, { name, kind: 'literal', concealed: true, value: part(call, 0, 'the value') });
      break;
    case 'plain': {
      using value = new Secret(Buffer.from(source.value, 'utf8'));
      vault.setVariable(environmentId, { name, kind: 'plain', concealed: false, value });
      break;
    }
    case 'reference':
      vault.setVariable(environmentId, { name, kind: 'reference', concealed: true, reference: source.reference });
      break;
    case 'generate': {
      using value = generateValue(source.recipe);
      vault.setVariable(environmentId, { name, kind: 'generated', concealed: true, value });
    }
  }
  return {};
}

/** The same as a request, for a process under an agent; null when it would carry a value, which no request can (I4). */
function changeOf(environmentId: string, name: string, source: Params<'environment.set'>['source']): Change | null {
  switch (source.kind) {
    case 'value':
      return null;
    case 'plain':
      return { kind: 'append', environmentId, drafts: [{ name, kind: 'plain', value: source.value }] };
    case 'reference':
      return { kind: 'append', environmentId, drafts: [{ name, kind: 'reference', reference: source.reference }] };
    case 'generate':
      return { kind: 'append', environmentId, drafts: [{ name, kind: 'generated', recipe: source.recipe }] };
  }
}
