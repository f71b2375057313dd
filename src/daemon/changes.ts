// What was granted, made: a change to the vault, all of it or none; a file mounted, taken away or imported.

import type { ChangeMade } from '../authority/powers.ts';
import type { Change, VariableDraft } from '../core/environment.ts';
import { Failure } from '../core/failure.ts';
import type { Arranging } from '../core/request.ts';
import { Secret } from '../core/secret.ts';
import { generateValue } from '../vault/generate.ts';
import type { Vault } from '../vault/vault.ts';
import { importFile } from './imports.ts';
import type { Service } from './service.ts';

/** Throws Failure, and then nothing was changed. */
export function makeChange(vault: Vault, change: Change, agentId: string): ChangeMade {
  switch (change.kind) {
    case 'create':
      return vault.transaction(() => {
        const { environmentId } = vault.createEnvironment(change.environmentName, agentId);
        putDrafts(vault, environmentId, change.drafts);
        return { kind: 'created', environmentId };
      });
    case 'rename':
      vault.renameEnvironment(change.environmentId, change.environmentName);
      return { kind: 'renamed' };
    case 'append':
      return vault.transaction(() => {
        putDrafts(vault, change.environmentId, change.drafts);
        const { variables } = vault.environment(change.environmentId);
        return { kind: 'appended', missing: variables.filter(({ isSet }) => !isSet).map(({ name }) => name) };
      });
    case 'remove':
      return vault.transaction(() => {
        for (const name of change.names) vault.unsetVariable(change.environmentId, name);
        return { kind: 'removed' };
      });
  }
}

/** A granted mount, unmount or import. Throws Failure. */
export async function arrange(service: Service, work: Arranging, agentId: string): Promise<ChangeMade> {
  if (work.action === 'ImportFile') return await importFile(service, work, agentId);
  const { environmentId, path, backend } = work;
  if (work.verb === 'unmount') {
    await service.mounts.unmount(path);
    return { kind: 'unmounted' };
  }
  await service.mounts.mount({ environmentId, path, backend, createdBy: agentId });
  return { kind: 'mounted', path };
}

/** Appending never touches what is there: a value the human set cannot be replaced from the agent's side. */
function putDrafts(vault: Vault, environmentId: string, drafts: readonly VariableDraft[]): void {
  const taken = new Set(vault.environment(environmentId).variables.map(({ name }) => name));
  for (const [i, draft] of drafts.entries()) {
    if (taken.has(draft.name)) {
      throw new Failure('name/taken', `${draft.name} is in the environment already`, { field: `variables[${i}].name` });
    }
    taken.add(draft.name);
    putDraft(vault, environmentId, draft);
  }
}

function putDraft(vault: Vault, environmentId: string, draft: VariableDraft): void {
  const { name } = draft;
  switch (draft.kind) {
    case 'missing':
      vault.setVariable(environmentId, { name, kind: 'missing', concealed: true });
      return;
    case 'reference':
      vault.setVariable(environmentId, { name, kind: 'reference', concealed: true, reference: draft.reference });
      return;
    case 'generated': {
      using value = generateValue(draft.recipe);
      vault.setVariable(environmentId, { name, kind: 'generated', concealed: true, value });
      return;
    }
    case 'plain': {
      using value = new Secret(Buffer.from(draft.value, 'utf8'));
      vault.setVariable(environmentId, { name, kind: 'plain', concealed: false, value });
    }
  }
}
