// The words a human decides by: a Request as lines of printable ASCII. Nothing is cut; every line starts with a head
// from a closed list, which no text of an agent can imitate. I5: whatever the digest covers is said here.

import type { Change, VariableDraft } from './environment.ts';
import { printable } from './printable.ts';
import type { AgentFacts, FileFacts, ProcessFacts, Request, RunFacts, Work } from './request.ts';

/** Columns of a head: two spaces, a label, a space. What follows is the text. */
export const HEAD_COLUMNS = 16;
const COLUMNS_DEFAULT = 80;
const COLUMNS_MIN = 40;
/** So many spaces in a row can push the rest of a line out of sight, and are said in words. */
const SPACES_SAID_MIN = 4;
const CONTINUATION = `${' '.repeat(HEAD_COLUMNS - 2)}> `;
const BOX_CONTINUATION = `  |${CONTINUATION.slice(3)}`;

/** One fact: a label of ours and a text in which everything foreign is already escaped. */
type Row = readonly [label: string, text: string];

/**
 * Everything a human has to see before answering, as lines of printable ASCII at most `columns` wide (at least 40).
 * `now` is the wall clock in milliseconds since 1970. A text longer than a line goes on behind `> `; heads are
 * `HEAD_COLUMNS` wide, so the text of a row is what stands behind them, joined.
 */
export function promptLines(request: Request, now: number, columns = COLUMNS_DEFAULT): string[] {
  const width = Math.max(COLUMNS_MIN, Math.floor(columns));
  return [
    `KEYSTILE: an agent asks for your answer`,
    ...section(headerRows(request, now), width),
    '',
    'WHO ASKS (seen by the system)',
    ...section(agentRows(request.agent), width),
    '',
    'WHAT IT WANTS (seen by the system)',
    ...section([...admissionRows(request), ...workRows(request.work)], width),
    '',
    ...agentBox(request, width),
  ];
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

function processRows(label: string, process: ProcessFacts): Row[] {
  return [
    ...spoken(label, process.program, bare),
    ['  process', `pid ${process.pid}, user ${process.uid}, start ${bare(process.startedAt)}`],
    ...process.argv.flatMap((argument) => spoken('  argument', argument)),
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
    case 'Run':
      return runRows(work);
  }
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
    ...spoken('folder', run.cwd.path, bare),
    ['  identity', `device ${bare(run.cwd.dev)}, inode ${bare(run.cwd.ino)}`],
    ...deltaRows(run.environmentDelta),
    ['stdin', run.stdin === null ? 'empty' : `${run.stdin.bytes} bytes, sha256 ${bare(run.stdin.digest)}`],
    ['output', outputText(run.output)],
    ['timeout', `${run.timeoutSeconds} s`],
  ];
}

function environmentRows(run: RunFacts): Row[] {
  const madeBy: Row[] =
    run.environmentCreatedBy === null
      ? [['  made by', 'you']]
      : [
          ['!!', 'this environment was made, and named, by an agent:'],
          ['', bare(run.environmentCreatedBy)],
        ];
  const variables = run.variables.flatMap(({ name, source, plain }): Row[] => [
    ...spoken('variable', name, bare),
    ...spoken('  from', source),
    ...(plain === undefined ? [] : spoken('  plain', plain)),
  ]);
  return [
    ...spoken('environment', run.environmentName),
    ['  id', bare(run.environmentId)],
    ...madeBy,
    ...(variables.length === 0 ? [['variables', 'none'] satisfies Row] : variables),
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

function fileRows(label: string, file: FileFacts): Row[] {
  const changeable = file.isChangeable ? 'you, and so the agent, can change it' : 'you cannot change it';
  return [
    ...spoken(label, file.path, bare),
    ['  sha256', bare(file.digest)],
    ['  size', `${file.bytes} bytes; ${changeable}`],
  ];
}

function deltaRows(delta: Readonly<Record<string, string>>): Row[] {
  const entries = Object.entries(delta).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return [['env', 'nothing added']];
  return entries.flatMap(([name, value]): Row[] => spoken('env', name, bare).concat(spoken('  is', value)));
}

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

// --- text and lines ------------------------------------------------------------------------------------------------

/** A row, and before it a note on what the eye would pass over in its text. */
function spoken(label: string, text: string, spell: (text: string) => string = quoted): Row[] {
  const found = [...(text.match(SPACE_RUNS) ?? []).map((run) => `[${run.length} spaces]`), ...foreignNote(text)];
  if (found.length === 0) return [[label, spell(text)]];
  return [
    ['note', `the next text has ${found.join(', ')} among ${text.length} characters`],
    [label, spell(text)],
  ];
}

const SPACE_RUNS = new RegExp(` {${SPACES_SAID_MIN},}`, 'g');

function foreignNote(text: string): string[] {
  const count = Array.from(text).filter((character) => !/^[\x20-\x7e]$/.test(character)).length;
  return count === 0 ? [] : [`${count} escaped`];
}

/** In double quotes, so that its ends can be seen. Quotes inside are escaped: two texts never look the same. */
function quoted(text: string): string {
  return `"${printable(text).replaceAll('"', String.raw`\"`)}"`;
}

/** As it is when nothing in it could mislead, else quoted. */
function bare(text: string): string {
  return /^[\w./:@+-]+$/.test(text) ? text : quoted(text);
}

/** ISO 8601 in UTC, to the second. */
function isoTime(ms: number): string {
  const time = new Date(ms);
  return Number.isNaN(time.getTime()) ? 'unknown' : `${time.toISOString().slice(0, -5)}Z`;
}

function section(rows: readonly Row[], width: number): string[] {
  return rows.flatMap(([label, text]) => wrapped(`  ${label}`, text, CONTINUATION, width));
}

/** Lines of at most `width` columns: `head`, padded, with the start of `text`; then `continuation` with what is left. */
function wrapped(head: string, text: string, continuation: string, width: number): string[] {
  const room = width - HEAD_COLUMNS;
  const lines = [`${head.padEnd(HEAD_COLUMNS - 1)} ${text.slice(0, room)}`];
  for (let at = room; at < text.length; at += room) lines.push(continuation + text.slice(at, at + room));
  return lines;
}
