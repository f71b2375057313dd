// Values for the human's own commands: run, read and inject. Who gets them proves it by the passphrase, by the terminal it
// was typed at, or, under a coding agent, by a request the human says yes to.

import type { Ask } from '../authority/gate.ts';
import type { Proof } from '../authority/disclosures.ts';
import type { Disclosed, RevealFacts, Wanted } from '../core/disclosure.ts';
import { Failure } from '../core/failure.ts';
import { parseReference } from '../core/reference.ts';
import type { AgentFacts } from '../core/request.ts';
import { hasAgentMarker } from '../machine/readers.ts';
import type { Call, Handlers } from '../wire/calls.ts';
import type { ValueView } from '../wire/views.ts';
import { resultOf } from './answers.ts';
import { checkPassphrase, waitForAnswer } from './guard.ts';
import { leadOf, wantedOf } from './references.ts';
import { runAsk } from './run-facts.ts';
import type { Service } from './service.ts';

const REASON = 'keystile on the command line';
const CANDIDATES_SHOWN = 10;

export function disclosureHandlers(service: Service) {
  return {
    'values.open': async (call: Call<'values.open'>) => {
      const { wanted, proof } = await proven(service, call);
      const { purpose, environments, references, argv, path } = call.params;
      const names = {
        argv,
        ...(references.length === 0 ? {} : { references }),
        ...(environments.length === 0 ? {} : { environment: environments.join(' ') }),
        ...(path === null ? {} : { path }),
      };
      const { pid } = call.connection.peer;
      const { signal } = call;
      const disclosing = service.authority.disclose({ purpose, wanted, proof, pid, names, signal });
      const disclosed = await disclosing.catch((error: unknown) => {
        throw proof.kind === 'request' ? error : told(service, wanted, error);
      });
      const { bytes, views } = packed(disclosed);
      call.setParts([bytes]);
      return { values: views };
    },

    'run.ask': async (call: Call<'run.ask'>) => {
      const agent = await service.agentAbove(call.connection.peer);
      if (agent === null) throw new Failure('usage/invalid', 'no coding agent started this command');
      const { environment: name, ...params } = call.params;
      const environment = name === undefined ? null : service.unlocked().environment(name);
      const { run, stdin, outputAtMost } = await runAsk(service, { ...params, reason: REASON }, environment);
      const createdBy = environment?.createdBy ?? null;
      await service.see(agent);
      const ask = { agent, work: run, reason: REASON, stdin, createdBy, outputAtMost, needsAdmission: true };
      return resultOf((await waitForAnswer(service, call, ask)).end);
    },
  } satisfies Partial<Handlers>;
}

/** What is wanted, and why it may be had. Throws `human/needed`, `human/under_agent`, `request/denied`, `request/expired`. */
async function proven(service: Service, call: Call<'values.open'>): Promise<{ wanted: Wanted[]; proof: Proof }> {
  const { peer } = call.connection;
  const agent = await service.agentAbove(peer);
  if (agent !== null) return await provenByRequest(service, call, agent);
  // It left its agent's processes; nobody can be asked about it.
  if (hasAgentMarker(peer.pid)) throw new Failure('human/under_agent', 'a coding agent started this command');
  return { wanted: wantedBy(service, call), proof: { kind: await provenByHuman(service, call) } };
}

async function provenByHuman(service: Service, call: Call<'values.open'>): Promise<'passphrase' | 'terminal'> {
  const { peer } = call.connection;
  if (call.parts.length === 0) {
    if (service.terminals.use(peer, service.nowMs())) return 'terminal';
    throw new Failure('human/needed', 'this needs the passphrase');
  }
  await checkPassphrase(service, call);
  // Locked while the key was derived: a terminal that is remembered now would outlive the lock.
  service.unlocked();
  if (service.terminals.approve(peer, service.nowMs()))
    await service.record({ event: 'terminal_approved', facts: { pid: peer.pid } });
  return 'passphrase';
}

/** In the order of the parameters: every variable of every environment, then the references. */
function wantedBy(service: Service, { params }: Call<'values.open'>): Wanted[] {
  const vault = service.unlocked();
  const variables = params.environments.flatMap((nameOrId): Wanted[] => {
    const { environmentId, name: environment, variables } = vault.environment(nameOrId);
    return variables.map(({ name, isSet, reference }) => {
      if (!isSet) {
        const hint = `keystile environment set ${environment} ${name}`;
        throw new Failure('vault/value_missing', `${name} has no value yet`, { field: name, hint });
      }
      const isElsewhere = reference !== undefined;
      return {
        name,
        place: isElsewhere ? { kind: 'reference', reference } : { kind: 'variable', environmentId, name },
      };
    });
  });
  return [
    ...variables,
    ...params.references.map((reference): Wanted => ({ name: reference, place: { kind: 'reference', reference } })),
  ];
}

/** A run under an agent goes another way (`run.ask`), on which its output is masked. */
async function provenByRequest(
  service: Service,
  call: Call<'values.open'>,
  agent: AgentFacts,
): Promise<{ wanted: Wanted[]; proof: Proof }> {
  const { purpose, environments, references, argv, path } = call.params;
  if (purpose === 'run' || environments.length > 0) {
    throw new Failure('human/under_agent', 'a coding agent started this command');
  }
  const leads = references.map((text, i) => {
    // What is printed or written is not masked.
    const { unmaskable: _, ...facts } = leadOf(service.unlocked(), service.elsewhere, text, `references[${i}]`);
    return facts;
  });
  const work: RevealFacts = { action: 'Reveal', purpose, references: leads, argv, path };
  await service.see(agent);
  const common = {
    reason: REASON,
    stdin: null,
    createdBy: null,
    outputAtMost: 'redacted',
    needsAdmission: true,
  } as const;
  const ask: Ask = { agent, work, ...common };
  const { ticket } = await waitForAnswer(service, call, ask);
  const wanted = wantedOf(
    null,
    leads.map((lead) => ({ ...lead, name: lead.reference })),
  );
  return { wanted, proof: { kind: 'request', ticket } };
}

/** Which of the references is wrong, for the human only: in an env file there may be fifty. */
function told(service: Service, wanted: readonly Wanted[], error: unknown): unknown {
  if (!(error instanceof Failure) || error.code !== 'name/not_found' || !service.isUnlocked)
    return withCandidates(service, wanted, error);
  const wrong = wanted.find(({ place }) => {
    return (
      place.kind === 'reference' && leadOf(service.unlocked(), service.elsewhere, place.reference).nowhere !== undefined
    );
  });
  if (wrong?.place.kind !== 'reference') return error;
  const hint = 'keystile vault list, keystile item list and keystile item get show the names';
  const whose = wrong.name === wrong.place.reference ? '' : `${wrong.name}: `;
  return new Failure(error.code, `${whose}${wrong.place.reference}: ${error.message}`, { hint, cause: error });
}

/** What an ambiguous reference could mean, for the human only. Any other error as it is. */
function withCandidates(service: Service, wanted: readonly Wanted[], error: unknown): unknown {
  if (!(error instanceof Failure) || error.code !== 'name/ambiguous' || !service.isUnlocked) return error;
  const { items } = service.unlocked();
  for (const { place } of wanted) {
    if (place.kind !== 'reference') continue;
    const { vault, item, section, field } = parseReference(place.reference);
    const found = items.candidates(vault, item, { section, field });
    const said =
      found.kind === 'items'
        ? found.items.map(({ itemId, updatedAt }) => `${itemId} (changed ${updatedAt.slice(0, 10)})`)
        : found.fields.map(({ id, section: label }) => `${id} (${label === null ? 'no section' : `section ${label}`})`);
    if (said.length < 2) continue;
    const more = said.length > CANDIDATES_SHOWN ? ', and more' : '';
    const hint = `use an id or name the section: ${said.slice(0, CANDIDATES_SHOWN).join(', ')}${more}`;
    return new Failure(error.code, `${place.reference}: ${error.message}`, { hint, cause: error });
  }
  return error;
}

/** One after another, as `ValueView.bytes` says; the connection wipes it once it is sent. */
function packed(values: readonly Disclosed[]): { readonly bytes: Buffer; readonly views: ValueView[] } {
  const views = values.map(({ value, ...rest }) => ({ ...rest, bytes: value.byteLength }));
  const bytes = Buffer.concat(values.map(({ value }) => value.reveal()));
  for (const { value } of values) value.wipe();
  return { bytes, views };
}
