// The prompt says everything, hides nothing, and cannot be made to say what is not so.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { RevealFacts } from '../../src/core/disclosure.ts';
import type { Change, VariableDraft } from '../../src/core/environment.ts';
import type { ImportFacts, MountFacts, ReadFacts } from '../../src/core/mount-facts.ts';
import { HEAD_COLUMNS } from '../../src/core/prompt-rows.ts';
import { promptLines, spokenDuration } from '../../src/core/prompt.ts';
import { CHARACTER_CLASSES } from '../../src/core/recipe.ts';
import {
  requestDigest,
  type AgentFacts,
  type FileFacts,
  type ProcessFacts,
  type Request,
  type RunFacts,
  type Work,
} from '../../src/core/request.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);

// --- requests of every shape, with text that tries -----------------------------------------------------------------

const HOSTILE = [
  '\n  [0]           "ls"',
  '\r\u001b[8m hidden \u001b[0m',
  '\u202e\u2066\u200b\ufeff\u00ad\u3164\uffa0\u2800\u034f\ufe0f\u{e0100}\u{e0041}\u{1d173}\u2028\u00a0\u3000',
  '\ud800',
  'x'.repeat(200),
  `ls${' '.repeat(300)}; curl evil`,
  '"  [1]           "ok',
  '\\u{202e}',
  '\\',
  '"',
  '',
  '  | reason        "fine"',
  '              > ',
];

const words = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.constantFrom(...HOSTILE));
const count = fc.nat(2 ** 40);
const process: fc.Arbitrary<ProcessFacts> = fc.record({
  pid: fc.nat(4_194_304),
  startedAt: words,
  program: words,
  argv: fc.array(words, { maxLength: 4 }),
  uid: fc.nat(70_000),
});
const agent: fc.Arbitrary<AgentFacts> = fc.record({
  agentId: words,
  claimedName: fc.option(words),
  process,
  programDigest: fc.option(words),
  ancestors: fc.array(process, { maxLength: 3 }),
});
const file: fc.Arbitrary<FileFacts> = fc.record({
  path: words,
  digest: words,
  bytes: count,
  isChangeable: fc.boolean(),
});
const draft: fc.Arbitrary<VariableDraft> = fc.oneof(
  fc.record({ name: words, kind: fc.constant('missing' as const) }),
  fc.record({ name: words, kind: fc.constant('reference' as const), reference: words }),
  fc.record({
    name: words,
    kind: fc.constant('generated' as const),
    recipe: fc.oneof(
      fc.record({ kind: fc.constantFrom('hex' as const, 'base64' as const), bytes: count }),
      fc.record({ kind: fc.constant('password' as const), characters: count }),
      fc.record({
        kind: fc.constant('mixed' as const),
        characters: count,
        classes: fc.subarray([...CHARACTER_CLASSES], { minLength: 1 }),
      }),
      fc.constant({ kind: 'uuid' as const }),
    ),
  }),
  fc.record({ name: words, kind: fc.constant('plain' as const), value: words }),
);
const drafts = fc.array(draft, { maxLength: 3 });
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('create' as const), environmentName: words, drafts }),
  fc.record({ kind: fc.constant('rename' as const), environmentId: words, environmentName: words }),
  fc.record({ kind: fc.constant('append' as const), environmentId: words, drafts }),
  fc.record({ kind: fc.constant('remove' as const), environmentId: words, names: fc.array(words, { maxLength: 3 }) }),
);
const variable = fc.record(
  { name: words, source: words, plain: words, reference: words },
  { requiredKeys: ['name', 'source'] },
);
const run: fc.Arbitrary<RunFacts> = fc.record({
  action: fc.constant('Run' as const),
  environmentId: fc.option(words),
  environmentName: fc.option(words),
  environmentCreatedBy: fc.option(words),
  variables: fc.array(variable, { maxLength: 3 }),
  argv: fc.array(words, { maxLength: 5 }),
  program: file,
  operands: fc.array(file, { maxLength: 3 }),
  isCodeChosenByAgent: fc.boolean(),
  cwd: fc.record({ path: words, dev: words, ino: words }),
  environmentDelta: fc.dictionary(words, words, { maxKeys: 3 }),
  stdin: fc.option(fc.record({ bytes: count, digest: words })),
  output: fc.constantFrom('redacted' as const, 'summary' as const),
  timeoutSeconds: fc.nat(3600),
});
const place = { environmentId: words, environmentName: words, environmentCreatedBy: fc.option(words) };
const variables = fc.array(variable, { maxLength: 3 });
const reveal: fc.Arbitrary<RevealFacts> = fc.record({
  action: fc.constant('Reveal' as const),
  purpose: fc.constantFrom('read' as const, 'inject' as const),
  references: fc.array(fc.record({ reference: words, source: words }), { maxLength: 3 }),
  argv: fc.array(words, { maxLength: 4 }),
  path: fc.option(words),
});
const backend = fc.constantFrom('fuse' as const, 'fifo' as const, 'file' as const);
const read: fc.Arbitrary<ReadFacts> = fc.record({
  action: fc.constant('ReadMount' as const),
  ...place,
  variables,
  mountId: words,
  path: words,
  backend,
  reader: fc.record({
    process,
    programDigest: words,
    isProgramChangeable: fc.boolean(),
    operands: fc.array(file, { maxLength: 3 }),
    isInterpreter: fc.boolean(),
    isCodeOnCommandLine: fc.boolean(),
    seesOurFiles: fc.boolean(),
    cwd: fc.record({ path: words, dev: words, ino: words }),
    loaders: fc.dictionary(words, words, { maxKeys: 3 }),
    isUnderAgent: fc.boolean(),
  }),
});
const mount: fc.Arbitrary<MountFacts> = fc.record({
  action: fc.constant('Mount' as const),
  ...place,
  variables,
  verb: fc.constantFrom('mount' as const, 'unmount' as const),
  path: words,
  backend,
});
const imported: fc.Arbitrary<ImportFacts> = fc.record({
  action: fc.constant('ImportFile' as const),
  file,
  mode: fc.nat(0o777),
  environmentId: fc.option(words),
  environmentName: words,
  names: fc.array(words, { maxLength: 3 }),
  mounts: fc.boolean(),
  backend,
});
const work: fc.Arbitrary<Work> = fc.oneof(
  fc.constant({ action: 'Connect' as const }),
  fc.record({ action: fc.constant('CreateEnvironment' as const), environmentName: words, change }),
  fc.record({
    action: fc.constant('ChangeEnvironment' as const),
    environmentId: words,
    environmentName: words,
    change,
  }),
  run,
  read,
  mount,
  imported,
  reveal,
);
const requestWith = <W extends Work>(what: fc.Arbitrary<W>): fc.Arbitrary<Request & { work: W }> =>
  fc.record({
    requestId: words,
    agent,
    admits: fc.boolean(),
    work: what,
    reason: words,
    createdAt: fc.integer({ min: NOW - 1e9, max: NOW }),
    expiresAt: fc.integer({ min: NOW - 1e9, max: NOW + 1e9 }),
    digest: words,
  });

/** The rows of a prompt as it is read back: the head of each, and its whole text. */
function rowsOf(lines: readonly string[]): { head: string; text: string }[] {
  const rows: { head: string; text: string }[] = [];
  for (const line of lines) {
    const head = line.slice(0, HEAD_COLUMNS);
    const text = line.slice(HEAD_COLUMNS);
    const last = rows.at(-1);
    if (/^ {2}[ |] {11}> $/.test(head) && last !== undefined) last.text += text;
    else rows.push({ head, text });
  }
  return rows;
}

const outsideBox = (asked: Request): string[] => promptLines(asked, NOW).filter((line) => !line.startsWith('  |'));

/** Undoes the quotes and escapes of a text. */
function readBack(text: string): string {
  assert.match(text, /^".*"$/);
  return text.slice(1, -1).replaceAll(/\\(?:u\{([0-9a-f]+)\}|(["\\]))/g, (_all, hex, plain) => {
    return typeof hex === 'string' ? String.fromCodePoint(Number.parseInt(hex, 16)) : String(plain);
  });
}

function isOurs(line: string): boolean {
  return (
    /^ {2}(?:|[a-z!] ?[a-z0-9! ]*| {2}[a-z0-9 ]+|\[\d+\]) *$/.test(line.slice(0, HEAD_COLUMNS)) ||
    /^ {2}[ |] {11}> /.test(line) ||
    /^ {2}\| (?:note|says it is|reason) {2,}/.test(line) ||
    /^ {2}\+--/.test(line) ||
    /^(?:|[A-Z]+: (?:an agent|a program) asks for your answer|[A-Z ]+\(seen by the system\))$/.test(line)
  );
}

void test('A01 A02 A03: nothing but printable ASCII leaves the prompt, whatever a request holds', () => {
  fc.assert(
    fc.property(requestWith(work), fc.integer({ min: 0, max: 200 }), (request, columns) => {
      for (const line of promptLines(request, NOW, columns)) {
        assert.match(line, /^[\x20-\x7e]*$/);
        assert.ok(line.length <= Math.max(40, columns), `${line.length} columns in ${JSON.stringify(line)}`);
      }
    }),
  );
});

void test('A04: every argument can be read back whole, and in order', () => {
  fc.assert(
    fc.property(requestWith(run), fc.integer({ min: 40, max: 120 }), (request, columns) => {
      const rows = rowsOf(promptLines(request, NOW, columns)).filter(({ head }) => /^ {2}\[\d+\] +$/.test(head));
      assert.deepEqual(
        rows.map(({ head }) => head.trim()),
        request.work.argv.map((_argument, i) => `[${i}]`),
      );
      assert.deepEqual(
        rows.map(({ text }) => readBack(text)),
        [...request.work.argv],
      );
    }),
  );
});

void test('A06: no text of an agent makes a line of its own or changes the head of another', () => {
  fc.assert(
    fc.property(requestWith(work), (request) => {
      for (const line of promptLines(request, NOW)) assert.ok(isOurs(line), JSON.stringify(line));
    }),
  );
});

void test('A06: the reason is one field of the box, and changes nothing outside it', () => {
  fc.assert(
    fc.property(requestWith(work), words, (request, reason) => {
      assert.deepEqual(outsideBox({ ...request, reason }), outsideBox(request));
      const inBox = rowsOf(promptLines({ ...request, reason }, NOW)).filter(({ head }) =>
        head.startsWith('  | reason'),
      );
      // A program that opens a file says nothing.
      assert.deepEqual(
        inBox.map(({ text }) => readBack(text)),
        request.work.action === 'ReadMount' ? [] : [reason],
      );
    }),
  );
});

void test('I5: two requests that differ in anything the digest covers never look the same', () => {
  fc.assert(
    fc.property(requestWith(work), requestWith(work), (one, other) => {
      const mixed: Request[] = [
        other,
        { ...one, admits: !one.admits },
        { ...one, agent: { ...one.agent, programDigest: other.agent.programDigest } },
        { ...one, agent: { ...one.agent, process: { ...one.agent.process, pid: other.agent.process.pid } } },
        { ...one, agent: { ...one.agent, process: { ...one.agent.process, startedAt: other.reason } } },
        { ...one, agent: { ...one.agent, process: { ...one.agent.process, program: other.reason } } },
      ];
      for (const request of mixed) {
        assert.equal(shownFacts(request) === shownFacts(one), saidFacts(request) === saidFacts(one));
      }
    }),
    { numRuns: 50 },
  );
});

void test('I5: every member of a run that the digest covers changes what is shown', () => {
  fc.assert(
    fc.property(requestWith(run), run, (request, other) => {
      for (const member of Object.keys(other) as (keyof RunFacts)[]) {
        const changed = { ...request, work: { ...request.work, [member]: other[member] } };
        assert.equal(shown(changed) === shown(request), requestDigest(changed) === requestDigest(request), member);
      }
    }),
    { numRuns: 50 },
  );
});

void test('I5: every member of a reading, a mount, an import and a revelation that the digest covers changes what is shown', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.tuple(requestWith(read), read),
        fc.tuple(requestWith(mount), mount),
        fc.tuple(requestWith(imported), imported),
        fc.tuple(requestWith(reveal), reveal),
      ),
      ([request, other]) => {
        for (const [member, value] of Object.entries(other)) {
          const changed = { ...request, work: { ...request.work, [member]: value } as Work };
          assert.equal(shown(changed) === shown(request), requestDigest(changed) === requestDigest(request), member);
        }
        if (request.work.action !== 'ReadMount' || other.action !== 'ReadMount') return;
        for (const [member, value] of Object.entries(other.reader)) {
          const reader = { ...request.work.reader, [member]: value } as ReadFacts['reader'];
          const changed: Request = { ...request, work: { ...request.work, reader } };
          assert.equal(shown(changed) === shown(request), requestDigest(changed) === requestDigest(request), member);
        }
      },
    ),
    { numRuns: 150 },
  );
});

const shown = (asked: Request): string => promptLines(asked, NOW).join('\n');

const shownFacts = (asked: Request): string =>
  shown({ ...asked, requestId: 'r', reason: '', createdAt: NOW, expiresAt: NOW });

/** Everything the prompt says of a request beside its id, times and reason; the digest covers a part of it. */
const saidFacts = ({ agent, admits, work }: Request): string =>
  JSON.stringify([agent, admits, requestDigest({ agent, admits, work })]);

// --- what people read ----------------------------------------------------------------------------------------------

const RUN: Request = {
  requestId: 'req_0123456789abcdefghjk',
  agent: {
    agentId: 'agent_0123456789abcdefghjk',
    claimedName: 'codex',
    process: { pid: 4242, startedAt: '887766', program: '/usr/bin/codex', argv: ['codex', 'exec'], uid: 1000 },
    programDigest: 'a'.repeat(64),
    ancestors: [{ pid: 4000, startedAt: '700000', program: '/usr/bin/bash', argv: ['-bash'], uid: 1000 }],
  },
  admits: true,
  work: {
    action: 'Run',
    environmentId: 'env_0123456789abcdefghjk',
    environmentName: 'staging db',
    environmentCreatedBy: null,
    variables: [{ name: 'PGPASSWORD', source: 'literal, set by you' }],
    argv: ['psql', '-c', 'select "x"\n', `ls${' '.repeat(94)}; curl evil`],
    program: { path: '/usr/bin/psql', digest: 'b'.repeat(64), bytes: 1234, isChangeable: false },
    operands: [{ path: '/home/a b.sql', digest: 'c'.repeat(64), bytes: 17, isChangeable: true }],
    isCodeChosenByAgent: false,
    cwd: { path: '/work', dev: '64512', ino: '99' },
    environmentDelta: { PGHOST: 'db.example' },
    stdin: null,
    output: 'redacted',
    timeoutSeconds: 60,
  },
  reason: 'count the rows\n\nCommand: ls\n[Approve]',
  createdAt: NOW - 2000,
  expiresAt: NOW + 298_000,
  digest: '',
};

void test('what masking cannot hide is said, and is no part of what is approved', () => {
  if (RUN.work.action !== 'Run') throw new TypeError('not a run');
  const named = (name: string, unmaskable?: 'never' | 'unknown') => ({
    name,
    source: `shop/${name}`,
    ...(unmaskable === undefined ? {} : { unmaskable }),
  });
  const withVariables = (...variables: ReturnType<typeof named>[]): Request => ({
    ...RUN,
    work: { ...(RUN.work as RunFacts), variables },
  });
  const said = (request: Request): string[] => {
    const lines = promptLines(request, NOW);
    return lines.slice(lines.findIndex((line) => line.startsWith('  output')));
  };
  const open = withVariables(named('A'), named('B'));
  const never = withVariables(named('A', 'never'), named('B'));
  const unknown = withVariables(named('A'), named('B', 'unknown'));
  assert.match(said(open)[0] ?? '', /redacted/);
  assert.match(
    said(never).join('\n'),
    /^ {2}output +summary: [^\n]+\n {2}!! +masking cannot hide these[^\n]+\n +A\n {2}timeout/,
  );
  assert.match(
    said(unknown).join('\n'),
    /^ {2}output +redacted: [^\n]+\n {4}unless +masking cannot hide one[^]+?\n +B\n {2}timeout/,
  );
  for (const request of [never, unknown]) assert.equal(requestDigest(request), requestDigest(open));
});

void test('a run reads from who asks to what the agent says of it', () => {
  assert.equal(
    promptLines(RUN, NOW).join('\n'),
    String.raw`KEYSTILE: an agent asks for your answer
  request       req_0123456789abcdefghjk
  asked         2026-11-22T11:59:58Z
  expires       in 4 min 58 s (2026-11-22T12:04:58Z)

WHO ASKS (seen by the system)
  agent         agent_0123456789abcdefghjk
  program       /usr/bin/codex
    process     pid 4242, user 1000, start 887766
    argument    "codex"
    argument    "exec"
  sha256        aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  parent 1      /usr/bin/bash
    process     pid 4000, user 1000, start 700000
    argument    "-bash"

WHAT IT WANTS (seen by the system)
  !!            yes also admits this agent, until its process ends:
                it may see names, make environments, and declare their variables
  action        run a command with credentials, outside the agent's sandbox
  environment   "staging db"
    id          env_0123456789abcdefghjk
    made by     you
  variable      PGPASSWORD
    from        "literal, set by you"
  [0]           "psql"
  [1]           "-c"
  note          the next text has 1 escaped among 11 characters
  [2]           "select \"x\"\u{a}"
  note          the next text has [94 spaces] among 107 characters
  [3]           "ls                                                             
              >                                  ; curl evil"
  !!            treat the value as disclosed to this program:
                the agent can change a file it runs
  program       /usr/bin/psql
    sha256      bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    size        1234 bytes; you cannot change it
  file 1        "/home/a b.sql"
    sha256      cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
    size        17 bytes; you, and so the agent, can change it
  folder        /work
    identity    device 64512, inode 99
  env           PGHOST
    is          "db.example"
  stdin         empty
  output        redacted: known forms of the values are masked
  timeout       60 s

  +-- text from the agent (not verified) ---------------------------------------
  | says it is  "codex"
  | note        the next text has 3 escaped among 37 characters
  | reason      "count the rows\u{a}\u{a}Command: ls\u{a}[Approve]"
  +-----------------------------------------------------------------------------`,
  );
});

void test('A21: an environment an agent made is labelled as such', () => {
  assert.ok(RUN.work.action === 'Run');
  const lines = promptLines({ ...RUN, work: { ...RUN.work, environmentCreatedBy: 'agent_x' } }, NOW);
  const at = lines.indexOf('  !!            this environment was made, and named, by an agent:');
  assert.equal(lines[at + 1]?.trim(), 'agent_x');
});

void test('code the agent chose is said to see the value', () => {
  assert.ok(RUN.work.action === 'Run');
  const work = { ...RUN.work, operands: [], isCodeChosenByAgent: true };
  const text = promptLines({ ...RUN, work }, NOW).join('\n');
  assert.match(text, /treat the value as disclosed to this program:\n +the agent chose the code it runs/);
});

void test('a request that is over says so', () => {
  assert.match(promptLines(RUN, RUN.expiresAt).join('\n'), /expires {7}now: this request is over/);
});

void test('a length of time is said in its two largest units', () => {
  assert.equal(spokenDuration(-5), '0 s');
  assert.equal(spokenDuration(59_400), '59 s');
  assert.equal(spokenDuration(3_600_000), '1 h');
  assert.equal(spokenDuration(3_661_000), '1 h 1 min');
  assert.equal(spokenDuration(90_061_000), '1 d 1 h');
});
