// A grant remembers a yes: for whom, for what, for how long. It is asked on every use whether it still covers.

import type { OutputMode } from '../core/environment.ts';
import { requestDigest, type Approval, type GrantScope, type Request, type RunFacts } from '../core/request.ts';
import { processKey } from './agents.ts';

/** Grants remembered at once (I8). */
const GRANTS_MAX = 500;

export interface Grant {
  readonly grantId: string;
  readonly agentId: string;
  /** The one process it counts for. */
  readonly process: Request['agent']['process'];
  readonly scope: GrantScope;
  /** The digest of the request as an admitted agent would make it; all there is to scope `exact`. */
  readonly digest: string;
  readonly run: RunFacts;
  /** On the monotonic clock; null for "until lock". */
  readonly expiresAtMs: number | null;
  readonly expiresAtWall: number | null;
  readonly output: OutputMode;
}

export class Grants {
  readonly #grants = new Map<string, Grant>();

  /** Keeps a grant for the life that was approved. Nothing is kept for `once`: that yes is spent on the spot. */
  keep(
    grantId: string,
    request: Request,
    run: RunFacts,
    approval: Approval,
    nowMs: number,
    wallMs: number,
  ): Grant | null {
    const { life } = approval;
    if (life.kind === 'once') return null;
    const lifeMs = life.kind === 'minutes' ? life.minutes * 60_000 : null;
    const grant: Grant = {
      grantId,
      agentId: request.agent.agentId,
      process: request.agent.process,
      scope: approval.scope,
      digest: requestDigest({ ...request, admits: false }),
      run,
      expiresAtMs: lifeMs === null ? null : nowMs + lifeMs,
      expiresAtWall: lifeMs === null ? null : wallMs + lifeMs,
      output: approval.output ?? 'redacted',
    };
    const [oldest] = this.#grants.keys();
    if (this.#grants.size >= GRANTS_MAX && oldest !== undefined) this.#grants.delete(oldest);
    this.#grants.set(grantId, grant);
    return grant;
  }

  /** The grant that covers this run by this agent, narrowest first, or null. */
  covering(agent: Request['agent'], run: RunFacts, nowMs: number): Grant | null {
    const digest = requestDigest({ agent, admits: false, work: run });
    const own = this.all(nowMs).filter((grant) => processKey(grant.process) === processKey(agent.process));
    return (
      own.find((grant) => grant.digest === digest) ??
      own.find((grant) => grant.scope === 'program' && coversProgram(grant.run, run)) ??
      own.find((grant) => grant.scope === 'environment' && coversVariables(grant.run, run)) ??
      null
    );
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
    run.variables.every(({ name, source, plain }) => {
      const variable = known.get(name);
      return variable !== undefined && variable.source === source && variable.plain === plain;
    })
  );
}
