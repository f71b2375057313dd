// The words a human decides by: a Request as lines of printable ASCII. I5: whatever the digest covers is said here.

import type { RevealFacts } from './disclosure.ts';
import type { Change, VariableDraft } from './environment.ts';
import { importRows, mountRows, readRows } from './prompt-mount.ts';
import {
  bare,
  CONTINUATION,
  environmentRows,
  fileRows,
  folderRows,
  isoTime,
  processRows,
  section,
  spoken,
  wrapped,
  type Row,
} from './prompt-rows.ts';
import type { AgentFacts, Request, RunFacts, VariableFacts, Work } from './request.ts';

const COLUMNS_DEFAULT = 80;
const COLUMNS_MIN = 40;
const BOX_CONTINUATION = `  |${CONTINUATION.slice(3)}`;

/**
 * Everything a human has to see before answering, as lines of printable ASCII at most `columns` wide (at least 40).
 * `now` is the wall clock in milliseconds since 1970. A text longer than a line goes on behind `> `; heads are
 * `HEAD_COLUMNS` wide, so the text of a row is what stands behind them, joined.
 */
export function promptLines(request: Request, now: number, columns = COLUMNS_DEFAULT): string[] {
  const width = Math.max(COLUMNS_MIN, Math.floor(columns));
  return [
    `KEYSTILE: ${isOwnProgram(request) ? 'a program' : 'an agent'} asks for your answer`,
    ...section(headerRows(request, now), width),
    '',
    'WHO ASKS (seen by the system)',
    ...section(agentRows(request.agent), width),
    '',
    'WHAT IT WANTS (seen by the system)',
    ...section([...admissionRows(request), ...workRows(request.work)], width),
    '',
    ...(request.work.action === 'ReadMount' ? [] : agentBox(request, width)),
  ];
}

/** A program that opens a file says nothing, so there is no box; and nobody need be above it. */
function isOwnProgram({ work }: Request): boolean {
  return work.action === 'ReadMount' && !work.reader.isUnderAgent;
}

/** A length of time for people: `4 min 58 s`. Below zero counts as zero. */
export function spokenDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const units = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = units.findIndex(([count]) => count > 0);
  if (first === -1) return '0 s';
  return units
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

function headerRows(request: Request, now: number): Row[] {
  const left = request.expiresAt - now;
  const until = left > 0 ? `in ${spokenDuration(left)}` : 'now: this request is over';
  return [
    ['request', bare(request.requestId)],
    ['asked', isoTime(request.createdAt)],
    ['expires', `${until} (${isoTime(request.expiresAt)})`],
  ];
}

function agentRows(agent: AgentFacts): Row[] {
  return [
    ['agent', bare(agent.agentId)],
    ...processRows('program', agent.process),
    ['sha256', agent.programDigest === null ? 'none: the program could not be read' : bare(agent.programDigest)],
    ...agent.ancestors.flatMap((ancestor, i) => processRows(`parent ${i + 1}`, ancestor)),
  ];
}

function admissionRows(request: Request): Row[] {
  if (!request.admits) return [];
  return [
    ['!!', 'yes also admits this agent, until its process ends:'],
    ['', 'it may see names, make environments, and declare their variables'],
  ];
}

function workRows(work: Work): Row[] {
  switch (work.action) {
    case 'Connect':
      return [['action', 'be admitted: see the names of environments and variables, never a value']];
    case 'CreateEnvironment':
      return [
        ['action', 'create an environment'],
        ...spoken('environment', work.environmentName),
        ...changeRows(work.change, null),
      ];
    case 'ChangeEnvironment':
      return [
        ['action', 'change an environment'],
        ...spoken('environment', work.environmentName),
        ['  id', bare(work.environmentId)],
        ...changeRows(work.change, work.environmentId),
      ];
    case 'Mount':
      return mountRows(work);
    case 'ImportFile':
      return importRows(work);
    case 'ReadMount':
      return readRows(work);
    case 'Run':
      return runRows(work);
    case 'Reveal':
      return revealRows(work);
  }
}

function revealRows({ purpose, references, argv, path }: RevealFacts): Row[] {
  return [
    ['action', purpose === 'read' ? 'print a secret value' : 'write secret values into a text'],
    ['!!', 'the agent can read what is printed or written: this gives it the value'],
    ...references.flatMap(({ reference, source }): Row[] => [
      ...spoken('reference', reference),
      ...spoken('  leads to', source),
    ]),
    ...(path === null ? [['to', 'standard output'] satisfies Row] : spoken('to', path, bare)),
    ...argv.flatMap((argument, i) => spoken(`[${i}]`, argument)),
  ];
}

function changeRows(change: Change, environmentId: string | null): Row[] {
  switch (change.kind) {
    case 'create':
      return [...spoken('new name', change.environmentName), ...draftRows(change.drafts)];
    case 'append':
      return [...otherEnvironment(change.environmentId, environmentId), ...draftRows(change.drafts)];
    case 'rename':
      return [...otherEnvironment(change.environmentId, environmentId), ...spoken('rename to', change.environmentName)];
    case 'remove':
      return [
        ...otherEnvironment(change.environmentId, environmentId),
        ...change.names.flatMap((name) => spoken('remove', name)),
      ];
  }
}

/** A change that names another environment than the request does must not hide behind it. */
function otherEnvironment(changed: string, shown: string | null): Row[] {
  return changed === shown ? [] : [['!!', `the environment that changes is ${bare(changed)}`]];
}

function draftRows(drafts: readonly VariableDraft[]): Row[] {
  if (drafts.length === 0) return [['variables', 'none']];
  return drafts.flatMap((draft): Row[] => {
    const name: Row[] = spoken('variable', draft.name, bare);
    switch (draft.kind) {
      case 'missing':
        return [...name, ['  value', 'filled in by you, later']];
      case 'reference':
        return [...name, ...spoken('  reference', draft.reference)];
      case 'generated':
        return [...name, ['  value', `generated here: ${recipeText(draft.recipe)}`]];
      case 'plain':
        return [...name, ...spoken('  plain', draft.value)];
    }
  });
}

function recipeText(recipe: Extract<VariableDraft, { kind: 'generated' }>['recipe']): string {
  switch (recipe.kind) {
    case 'hex':
    case 'base64':
      return `${recipe.bytes} random bytes as ${recipe.kind}`;
    case 'password':
      return `a password of ${recipe.characters} characters`;
    case 'mixed':
      return `a password of ${recipe.characters} ${recipe.classes.join(', ')}`;
    case 'uuid':
      return 'a random UUID';
  }
}

function runRows(run: RunFacts): Row[] {
  return [
    ['action', "run a command with credentials, outside the agent's sandbox"],
    ...environmentRows(run),
    ...run.argv.flatMap((argument, i) => spoken(`[${i}]`, argument)),
    ...disclosureRows(run),
    ...fileRows('program', run.program),
    ...run.operands.flatMap((operand, i) => fileRows(`file ${i + 1}`, operand)),
    ...folderRows(run.cwd),
    ...deltaRows(run.environmentDelta),
    ['stdin', run.stdin === null ? 'empty' : `${run.stdin.bytes} bytes, sha256 ${bare(run.stdin.digest)}`],
    ...outputRows(run),
    ['timeout', `${run.timeoutSeconds} s`],
  ];
}

/** Masking cannot help where the agent decides what the program does with a value (SECURITY.md, finding 1). */
function disclosureRows(run: RunFacts): Row[] {
  const isChangeable = run.program.isChangeable || run.operands.some((operand) => operand.isChangeable);
  const reasons: Row[] = [
    ...(isChangeable ? [['', 'the agent can change a file it runs'] satisfies Row] : []),
    ...(run.isCodeChosenByAgent ? [['', 'the agent chose the code it runs'] satisfies Row] : []),
  ];
  return reasons.length === 0 ? [] : [['!!', 'treat the value as disclosed to this program:'], ...reasons];
}

function deltaRows(delta: Readonly<Record<string, string>>): Row[] {
  const entries = Object.entries(delta).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return [['env', 'nothing added']];
  return entries.flatMap(([name, value]): Row[] => spoken('env', name, bare).concat(spoken('  is', value)));
}

/** What masking cannot hide is said before the answer: the agent gets less than it asked for, or may. */
function outputRows({ output, variables }: RunFacts): Row[] {
  const named = (kind: VariableFacts['unmaskable']): Row[] =>
    variables.filter(({ unmaskable }) => unmaskable === kind).flatMap(({ name }) => spoken('', name, bare));
  const [never, unknown] = [named('never'), named('unknown')];
  const isShown = output === 'redacted' && never.length === 0;
  return [
    ['output', outputText(isShown ? 'redacted' : 'summary')],
    ...(never.length === 0
      ? []
      : [['!!', 'masking cannot hide these, so the agent gets no output:'] satisfies Row, ...never]),
    ...(unknown.length === 0 ? [] : [['  unless', UNKNOWN_YET] satisfies Row, ...unknown]),
  ];
}

const UNKNOWN_YET = 'masking cannot hide one of these, which is known once it is read: then summary';

function outputText(output: RunFacts['output']): string {
  return output === 'redacted'
    ? 'redacted: known forms of the values are masked'
    : 'summary: exit code and line counts only';
}

// --- the agent's own words -----------------------------------------------------------------------------------------

function agentBox(request: Request, width: number): string[] {
  const top = '  +-- text from the agent (not verified) ';
  const name = request.agent.claimedName;
  const rows = [
    ...(name === null ? [['says it is', 'nothing'] satisfies Row] : spoken('says it is', name)),
    ...spoken('reason', request.reason),
  ];
  return [
    top.padEnd(width, '-').slice(0, width),
    ...rows.flatMap((row) => wrapped(`  | ${row[0]}`, row[1], BOX_CONTINUATION, width)),
    '  +'.padEnd(width, '-'),
  ];
}
