// A grant remembers a yes: for whom, for what, for how long. It is asked on every use whether it still covers.

import type { OutputMode } from '../core/environment.ts';
import { isCodeKnown, type ReadFacts } from '../core/mount-facts.ts';
import {
  requestDigest,
  type Approval,
  type GrantScope,
  type Handing,
  type Request,
  type RunFacts,
} from '../core/request.ts';
import { processKey } from './agents.ts';
import { isSameProcess, isSameProgram } from './readers.ts';

/** Grants remembered at once (I8). */
const GRANTS_MAX = 500;

export interface Grant {
  readonly grantId: string;
  readonly agentId: string;
  /** The one process it counts for; null for a program of the human's own, in whatever process it reads. */
  readonly process: Request['agent']['process'] | null;
  readonly scope: GrantScope;
  /** The digest of the request as an admitted agent would make it; all there is to scope `exact`. */
  readonly digest: string;
  readonly work: Handing;
  /** On the monotonic clock; null for "until lock". */
  readonly expiresAtMs: number | null;
  readonly expiresAtWall: number | null;
  readonly output: OutputMode;
}

export class Grants {
  readonly #grants = new Map<string, Grant>();

  /** Keeps a grant for the life that was approved; of `once`, which is spent on a run, for the process that reads. */
  keep(grantId: string, request: Request, work: Handing, approval: Approval, nowMs: number, wallMs: number): Grant {
    const { life } = approval;
    const lifeMs = life.kind === 'minutes' ? life.minutes * 60_000 : null;
    const grant: Grant = {
      grantId,
      agentId: request.agent.agentId,
      process: boundTo(request, work, approval.scope),
      scope: approval.scope,
      digest: requestDigest({ ...request, admits: false }),
      work,
      expiresAtMs: lifeMs === null ? null : nowMs + lifeMs,
      expiresAtWall: lifeMs === null ? null : wallMs + lifeMs,
      output: approval.output ?? 'redacted',
    };
    const [oldest] = this.#grants.keys();
    if (this.#grants.size >= GRANTS_MAX && oldest !== undefined) this.#grants.delete(oldest);
    this.#grants.set(grantId, grant);
    return grant;
  }

  /** The grant that covers this work of this agent, narrowest first, or null. */
  covering(agent: Request['agent'], work: Handing, nowMs: number): Grant | null {
    if (work.action === 'ReadMount') return this.#coveringRead(agent, work, nowMs);
    const digest = requestDigest({ agent, admits: false, work });
    const own = this.all(nowMs).filter(({ process }) => process !== null && isSame(process, agent.process));
    const covers = (scope: GrantScope, isCovered: (approved: RunFacts, run: RunFacts) => boolean) =>
      own.find((grant) => grant.scope === scope && grant.work.action === 'Run' && isCovered(grant.work, work));
    return (
      own.find((grant) => grant.digest === digest) ??
      covers('program', coversProgram) ??
      covers('environment', coversVariables) ??
      null
    );
  }

  #coveringRead(agent: Request['agent'], read: ReadFacts, nowMs: number): Grant | null {
    const covers = ({ scope, process, work }: Grant): boolean => {
      if (work.action !== 'ReadMount') return false;
      // What an interpreter found by itself may be something else in its next process.
      if (scope === 'exact' || !isCodeKnown(read.reader)) return isSameProcess(work, read);
      return isSameProgram(work, read) && (process === null || isSame(process, agent.process));
    };
    return this.all(nowMs).find(covers) ?? null;
  }

  /** The grants that count now. */
  all(nowMs: number): Grant[] {
    for (const [id, grant] of this.#grants) {
      if (grant.expiresAtMs !== null && grant.expiresAtMs <= nowMs) this.#grants.delete(id);
    }
    return [...this.#grants.values()];
  }

  /** Ends every grant the test picks; returns their ids. */
  end(isOver: (grant: Grant) => boolean): string[] {
    const ended = [...this.#grants.values()].filter(isOver).map((grant) => grant.grantId);
    for (const id of ended) this.#grants.delete(id);
    return ended;
  }
}

/** A run's grant is the agent's; a read's is that of the process that reads, or of the program below that agent. */
function boundTo({ agent }: Request, work: Handing, scope: GrantScope): Grant['process'] {
  if (work.action === 'Run') return agent.process;
  if (scope === 'exact') return work.reader.process;
  return work.reader.isUnderAgent ? agent.process : null;
}

function isSame(a: Request['agent']['process'], b: Request['agent']['process']): boolean {
  return processKey(a) === processKey(b);
}

/** The same program, bytes and folder, and the approved arguments as the first ones. Files among them must be unchanged. */
function coversProgram(approved: RunFacts, run: RunFacts): boolean {
  const isPrefix = approved.argv.every((argument, i) => run.argv[i] === argument);
  const operands = new Map(run.operands.map((file) => [file.path, file.digest]));
  return (
    isPrefix &&
    coversVariables(approved, run) &&
    approved.program.path === run.program.path &&
    approved.program.digest === run.program.digest &&
    approved.operands.every((file) => operands.get(file.path) === file.digest) &&
    approved.cwd.dev === run.cwd.dev &&
    approved.cwd.ino === run.cwd.ino &&
    JSON.stringify(Object.entries(approved.environmentDelta)) === JSON.stringify(Object.entries(run.environmentDelta))
  );
}

function coversVariables(approved: RunFacts, run: RunFacts): boolean {
  const known = new Map(approved.variables.map((variable) => [variable.name, variable]));
  return (
    approved.environmentId === run.environmentId &&
    run.variables.every(({ name, source, plain, reference }) => {
      const variable = known.get(name);
      const isSame = variable?.source === source && variable.plain === plain && variable.reference === reference;
      return variable !== undefined && isSame;
    })
  );
}
