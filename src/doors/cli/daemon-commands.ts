// The daemon: start, stop, status, doctor. Neither stop nor status nor doctor starts one.

import { existsSync, lstatSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT, Failure, type ExitCode } from '../../core/failure.ts';
import type { HomePaths } from '../../machine/paths.ts';
import type { Connection } from '../../wire/client.ts';
import type { Check, StatusView } from '../../wire/views.ts';
import { ensureDaemon } from '../../wire/start.ts';
import type { Call, Command } from './command.ts';
import { cliPaths, findDaemon } from './daemon.ts';
import { counted, timeText } from './output.ts';
import { VERSION } from '../../core/version.ts';

/** Runs have to be ended and the log synced first. */
const STOP_WAIT_MS = 10_000;
const STOP_POLL_MS = 25;
/** package.json says the same under "engines". */
const NODE_MIN = [24, 12] as const;

export const DAEMON_COMMANDS: readonly Command[] = [
  {
    path: ['status'],
    help: 'say whether the daemon runs and the vault is locked',
    details: 'Never starts a daemon, and exits 0 whatever it finds.',
    example: 'keystile status --format json',
    run: status,
  },
  {
    path: ['start'],
    flags: { foreground: { help: 'stay until the daemon ends, for services' } },
    help: 'start the daemon; commands do this by themselves',
    example: 'keystile start --foreground',
    run: start,
  },
  {
    path: ['stop'],
    help: 'stop the daemon: every run ends and the vault is locked',
    example: 'keystile stop',
    run: stop,
  },
  {
    path: ['doctor'],
    help: 'check this machine, the home and the daemon',
    details: 'Exits 1 when a check fails. Looks further when the daemon runs.',
    example: 'keystile doctor',
    run: doctor,
  },
];

async function status(call: Call): Promise<ExitCode> {
  const daemon = await call.runningDaemon();
  if (daemon !== null) {
    const { result } = await daemon.call('status', {});
    call.output.answer({ running: true, ...result }, () => statusLines(result));
    return EXIT.done;
  }
  const paths = cliPaths();
  // Without the daemon nothing can be unlocked.
  const vault = existsSync(paths.vault) ? 'locked' : 'absent';
  call.output.answer({ running: false, version: VERSION, home: paths.home, vault }, () => [
    'daemon   not running',
    `vault    ${vault}${vault === 'absent' ? '; run keystile init' : ''}`,
    `home     ${paths.home}`,
  ]);
  return EXIT.done;
}

function statusLines(status: StatusView): string[] {
  const waiting = [
    counted(status.requests, 'request'),
    counted(status.grants, 'grant'),
    counted(status.leases, 'lease'),
  ];
  const next = { absent: '; run keystile init', locked: '; run keystile unlock', unlocked: '' }[status.vault];
  return [
    `daemon   running, pid ${status.pid}, version ${status.version}, started ${timeText(status.startedAt)}`,
    `vault    ${status.vault}${next}`,
    `home     ${status.home}`,
    `now      ${waiting.join(', ')}`,
  ];
}

async function start(call: Call): Promise<ExitCode> {
  const paths = cliPaths();
  if (call.has('foreground')) {
    await ensureDaemon(paths, { foreground: true });
    return EXIT.done;
  }
  await ensureDaemon(paths);
  const daemon = await call.daemon();
  const { result } = await daemon.call('status', {});
  call.output.answer({ running: true, ...result }, () => statusLines(result));
  return EXIT.done;
}

async function stop(call: Call): Promise<ExitCode> {
  const daemon = await call.runningDaemon();
  if (daemon === null) {
    call.output.answer({ running: false, stopped: false }, () => ['no daemon was running']);
    return EXIT.done;
  }
  await askToStop(daemon);
  const deadline = performance.now() + STOP_WAIT_MS;
  while (await isRunning()) {
    if (performance.now() > deadline) {
      throw new Failure('daemon/busy', 'the daemon is still ending what it runs', { hint: 'keystile status shows it' });
    }
    await delay(STOP_POLL_MS);
  }
  call.output.answer({ running: false, stopped: true }, () => ['stopped']);
  return EXIT.done;
}

async function askToStop(daemon: Connection): Promise<void> {
  try {
    await daemon.call('daemon.stop', {});
  } catch (error) {
    // It may be gone before its answer has left.
    if (!(error instanceof Failure) || error.code !== 'daemon/unreachable') throw error;
  }
}

async function isRunning(): Promise<boolean> {
  try {
    using daemon = await findDaemon();
    return daemon !== null;
  } catch {
    // Half gone: its key or folder is being removed.
    return true;
  }
}

async function doctor(call: Call): Promise<ExitCode> {
  const paths = cliPaths();
  const checks = [...machineChecks(), homeCheck(paths), ...(await daemonChecks(call))];
  call.output.answer({ checks }, () =>
    checks.map(({ check, ok, found, fix }) => {
      const next = fix === undefined ? '' : `; ${fix}`;
      return `${ok ? 'ok    ' : 'WRONG '} ${check}: ${found}${next}`;
    }),
  );
  return checks.every(({ ok }) => ok) ? EXIT.done : EXIT.failed;
}

function machineChecks(): Check[] {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isNew = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
  const isKnown = process.platform === 'linux' || process.platform === 'darwin';
  return [
    result('Node.js', isNew, process.version, `install Node ${NODE_MIN.join('.')} or newer`),
    result('system', isKnown, `${process.platform} ${process.arch}`, 'use Linux or macOS'),
  ];
}

function homeCheck({ home }: HomePaths): Check {
  const stats = lstatSync(home, { throwIfNoEntry: false });
  if (stats === undefined) return result('home', true, `${home} does not exist yet`, '');
  const isPrivate = stats.isDirectory() && (stats.mode & 0o077) === 0 && stats.uid === process.geteuid?.();
  const found = `${home}, mode ${(stats.mode & 0o777).toString(8)}, owner ${stats.uid}`;
  return result('home', isPrivate, found, `make it a folder of yours, and run: chmod 700 ${home}`);
}

async function daemonChecks(call: Call): Promise<readonly Check[]> {
  try {
    const daemon = await call.runningDaemon();
    if (daemon === null) return [result('daemon', true, 'not running; its checks were left out', '')];
    const { result: found } = await daemon.call('doctor', {});
    return [result('daemon', true, `running, version ${daemon.daemonVersion}`, ''), ...found.checks];
  } catch (error) {
    const failure = Failure.from(error);
    return [result('daemon', false, failure.message, failure.hint)];
  }
}

function result(check: string, ok: boolean, found: string, fix: string): Check {
  return ok ? { check, ok, found } : { check, ok, found, fix };
}
