// How a request appears in the audit log.

import type { AuditEvent, EventFacts, EventKind, EventNames } from '../core/event.ts';
import type { Request, VariableFacts } from '../core/request.ts';

/** An event about a request: its ids and digest in `facts`, what things are called in `names`. */
export function eventOf(request: Request, event: EventKind, facts: EventFacts = {}): AuditEvent {
  const { requestId, digest, agent, work } = request;
  const environment =
    'environmentId' in work && work.environmentId !== null ? { environmentId: work.environmentId } : {};
  const mount = 'mountId' in work ? { mountId: work.mountId } : {};
  const common = {
    agentId: agent.agentId,
    pid: agent.process.pid,
    requestId,
    digest,
    action: work.action,
    ...environment,
    ...mount,
  };
  return { event, facts: { ...common, ...facts }, names: namesOf(request) };
}

/** An event about what became of a run: the names that say which it was, and `own`, which come first where all is cut. */
export function runEventOf(request: Request, event: EventKind, facts: EventFacts, own: EventNames): AuditEvent {
  const { environment, program, cwd, agent } = namesOf(request);
  const names = Object.entries({ ...own, agent, environment, program, cwd }).filter(([, name]) => name !== undefined);
  return { ...eventOf(request, event, facts), names: Object.fromEntries(names) };
}

function referencesOf(variables: readonly VariableFacts[]): Pick<EventNames, 'references'> {
  const references = variables.flatMap(({ reference }) => reference ?? []);
  return references.length === 0 ? {} : { references };
}

function namesOf({ agent, work, reason }: Request): EventNames {
  const common = { agent: agent.process.program, reason };
  switch (work.action) {
    case 'Connect':
      return common;
    case 'CreateEnvironment':
    case 'ChangeEnvironment':
      return { ...common, environment: work.environmentName };
    case 'Mount':
      return { ...common, environment: work.environmentName, path: work.path };
    case 'ImportFile':
      return { ...common, environment: work.environmentName, path: work.file.path, variables: work.names };
    case 'ReadMount':
      return {
        ...common,
        environment: work.environmentName,
        variables: work.variables.map(({ name }) => name),
        ...referencesOf(work.variables),
        argv: work.reader.process.argv,
        program: work.reader.process.program,
        cwd: work.reader.cwd.path,
        path: work.path,
      };
    case 'Reveal':
      return {
        ...common,
        references: work.references.map(({ reference }) => reference),
        argv: work.argv,
        ...(work.path === null ? {} : { path: work.path }),
      };
    case 'Run':
      return {
        ...common,
        ...(work.environmentName === null ? {} : { environment: work.environmentName }),
        variables: work.variables.map(({ name }) => name),
        ...referencesOf(work.variables),
        argv: work.argv,
        program: work.program.path,
        cwd: work.cwd.path,
      };
  }
}
