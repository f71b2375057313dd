// The audit log as people read it: what happened, in order, and whether it is whole.

import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { RecordedEvent } from '../../core/event.ts';
import { EXIT, Failure, type ExitCode } from '../../core/failure.ts';
import { usage, type Call, type Command } from './command.ts';
import { counted, table, timeText } from './output.ts';

const LIST_DEFAULT = 50;
const LIST_MAX = 10_000;
const TAIL_FIRST = 10;
const TAIL_POLL_MS = 400;

export const AUDIT_COMMANDS: readonly Command[] = [
  {
    path: ['audit', 'list'],
    flags: {
      limit: { value: 'N', help: `at most so many events, ${LIST_DEFAULT} when not given` },
      from: { value: 'SEQ', help: 'from this event on, instead of the newest ones' },
    },
    help: 'list what happened, oldest first',
    details: 'What things are called is sealed in the log, and shown only while the vault is unlocked.',
    example: 'keystile audit list --limit 100',
    run: list,
  },
  {
    path: ['audit', 'tail'],
    help: 'show what happens as it happens',
    details: 'Ends with Ctrl-C. With --format json each event is a document on a line of its own.',
    example: 'keystile audit tail',
    run: tail,
  },
  {
    path: ['audit', 'show'],
    args: [{ name: 'SEQ' }],
    help: 'show one event whole',
    example: 'keystile audit show 42',
    run: show,
  },
  {
    path: ['audit', 'verify'],
    help: 'check the chain and the signed checkpoints of the log',
    details:
      'Exits 1 and names the first bad event when the log is not whole. Checks more while the vault is unlocked.',
    example: 'keystile audit verify',
    run: verify,
  },
  {
    path: ['audit', 'export'],
    flags: {
      ocsf: { help: 'in the Open Cybersecurity Schema Framework' },
      file: { value: 'FILE', help: 'to this new file, instead of standard output' },
    },
    help: 'write the whole log as JSON Lines; asks for the passphrase',
    example: 'keystile audit export --file audit.jsonl',
    run: exportLog,
  },
];

async function list(call: Call): Promise<ExitCode> {
  const limit = wholeNumber('--limit', call.flag('limit') ?? String(LIST_DEFAULT), LIST_MAX);
  const from = call.flag('from');
  const params =
    from === undefined
      ? { limit, newestFirst: true }
      : { limit, fromSeq: wholeNumber('--from', from, Number.MAX_SAFE_INTEGER) };
  const { result } = await (await call.daemon()).call('audit.list', params);
  const events = result.events.toSorted((a, b) => a.seq - b.seq);
  call.output.answer({ events }, () => {
    const rows = events.map((event) => [String(event.seq), timeText(event.at), event.event, gist(event)]);
    return table(['SEQ', 'TIME', 'EVENT', 'WHAT (keystile audit show SEQ has the rest)'], rows, 'no events');
  });
  return EXIT.done;
}

/** What a line has room for: what things are called, and what became of it. */
function gist({ facts, names }: RecordedEvent): string {
  const { environment, path, variables, argv, method, places } = names ?? {};
  const lists = [variables?.join(','), argv?.join(' '), places?.join(', ')];
  const called = [environment, path, ...lists, method];
  const became = [
    facts.action === 'Run' ? undefined : facts.action,
    facts.scope,
    facts.why,
    numbered(facts.exitCode, (code) => `exit ${code}`),
    numbered(facts.durationMs, (ms) => `${ms} ms`),
    // How many places there are can be seen.
    numbered(places === undefined ? facts.count : undefined, (count) => `${count} ended`),
    facts.runId ?? facts.grantId ?? facts.requestId ?? facts.agentId,
  ];
  return [...called, ...became].filter((word) => word !== undefined).join('  ');
}

function numbered(number: number | undefined, said: (number: number) => string): string | undefined {
  return number === undefined ? undefined : said(number);
}

function details({ facts, names }: RecordedEvent): string {
  return [...Object.entries(names ?? {}), ...Object.entries(facts)]
    .map(([name, value]) => `${name}=${Array.isArray(value) ? value.join(' ') : String(value)}`)
    .join(' ');
}

async function tail(call: Call): Promise<ExitCode> {
  const daemon = await call.daemon();
  const { result } = await daemon.call('audit.list', { limit: TAIL_FIRST, newestFirst: true });
  let lastSeq = sayEvents(call, result.events, 0);
  for (;;) {
    await delay(TAIL_POLL_MS);
    const { result: more } = await daemon.call('audit.list', { fromSeq: lastSeq + 1, limit: LIST_MAX });
    lastSeq = sayEvents(call, more.events, lastSeq);
  }
}

/** The number of the last event said. */
function sayEvents(call: Call, events: readonly RecordedEvent[], lastSeq: number): number {
  const inOrder = events.toSorted((a, b) => a.seq - b.seq);
  for (const event of inOrder) {
    call.output.answer(event, () => [`${event.seq}  ${event.at}  ${event.event}  ${details(event)}`]);
  }
  return inOrder.at(-1)?.seq ?? lastSeq;
}

async function show(call: Call): Promise<ExitCode> {
  const seq = wholeNumber('SEQ', call.argument('SEQ'), Number.MAX_SAFE_INTEGER);
  const { result } = await (await call.daemon()).call('audit.list', { fromSeq: seq, limit: 1 });
  const event = result.events.find((candidate) => candidate.seq === seq);
  if (event === undefined) {
    throw new Failure('name/not_found', `there is no event ${seq}`, { hint: 'keystile audit list shows the newest' });
  }
  call.output.answer({ event }, () => {
    const members = [...Object.entries(event.names ?? {}), ...Object.entries(event.facts)];
    return [
      `${event.seq}  ${event.event}  ${timeText(event.at)}`,
      ...members.map(
        ([name, value]) => `  ${name.padEnd(16)}${Array.isArray(value) ? JSON.stringify(value) : String(value)}`,
      ),
    ];
  });
  return EXIT.done;
}

async function verify(call: Call): Promise<ExitCode> {
  const { result } = await (await call.daemon()).call('audit.verify', {});
  const { ok, events, checkpoints, firstBad, notes } = result;
  call.output.answer(result, () => [
    ok
      ? `whole: ${counted(events, 'event')}, ${counted(checkpoints, 'checkpoint')}`
      : firstBad === null
        ? 'NOT WHOLE'
        : `NOT WHOLE: the first bad event is ${firstBad.seq}, on line ${firstBad.line}: ${firstBad.why}`,
    ...notes.map((note) => `note: ${note}`),
  ]);
  return ok ? EXIT.done : EXIT.failed;
}

async function exportLog(call: Call): Promise<ExitCode> {
  const file = call.flag('file');
  const daemon = await call.daemon();
  const format = call.has('ocsf') ? 'ocsf' : 'jsonl';
  const { parts } = await call.human.withPassphrase('Passphrase to export the log', async (passphrase) => {
    return await daemon.call('audit.export', { format }, { parts: [passphrase] });
  });
  const bytes = parts[0] ?? Buffer.alloc(0);
  if (file === undefined) {
    call.output.raw(bytes);
    return EXIT.done;
  }
  writeNewFile(file, bytes);
  call.output.answer({ file, bytes: bytes.length }, () => [`wrote ${bytes.length} bytes to ${file}`]);
  return EXIT.done;
}

/** The log names environments and commands: 0600, and never over another file. */
function writeNewFile(file: string, bytes: Buffer): void {
  try {
    const fd = openSync(file, 'wx', 0o600);
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw new Failure('input/invalid', `${file} cannot be written`, { field: 'FILE', hint: 'name a new file', cause });
  }
}

function wholeNumber(name: string, text: string, max: number): number {
  const number = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > max) throw usage(`${name} is a number from 1 to ${max}`);
  return number;
}
