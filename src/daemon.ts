// The daemon: made here, wired here, ended here. Nothing is opened before the process is closed to others.

import { randomBytes } from 'node:crypto';
import { closeSync, constants, existsSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AuditLog } from './audit/log.ts';
import { Failure } from './core/failure.ts';
import { agentHandlers } from './daemon/agent-handlers.ts';
import { controlHandlers } from './daemon/control-handlers.ts';
import { guard } from './daemon/guard.ts';
import { Service } from './daemon/service.ts';
import { VERSION } from './core/version.ts';
import { Runners } from './delivery/run.ts';
import { harden } from './machine/harden.ts';
import { HARDENED_FLAGS, scrubbedEnvironment } from './machine/interpreter.ts';
import { Log } from './machine/log.ts';
import { keepDescriptors, lockExclusive } from './machine/native.ts';
import { homePaths, type HomePaths } from './machine/paths.ts';
import { ensurePrivateFolder } from './machine/private-files.ts';
import { readSettings } from './machine/settings.ts';
import { isVaultThere } from './vault/files.ts';
import { Vault } from './vault/vault.ts';
import { makeDaemonIdentity } from './wire/identity.ts';
import { observePeer } from './wire/peer.ts';
import { WireServer } from './wire/server.ts';
import { READY_DESCRIPTOR } from './wire/start.ts';

/** How long the last words of a stop may take before the process ends anyway. */
const STOP_WAIT_MS = 5_000;

try {
  harden();
  keepDescriptors();
  const paths = homePaths();
  ensurePrivateFolder(paths.home);
  ensurePrivateFolder(paths.run);
  holdHome(paths);
  await serve(paths);
  sayReady('ready');
} catch (error) {
  sayReady(JSON.stringify(Failure.from(error).toDocument()));
  process.stderr.write(`keystile: ${Failure.from(error).message}; ${Failure.from(error).hint}\n`);
  process.exit(1);
}

async function serve(paths: HomePaths): Promise<void> {
  const settings = readSettings(paths);
  refuseAdministratorPolicy();
  const log = new Log(paths.log);
  const files = { vault: paths.vault, deviceKey: paths.deviceKey };
  const hasVault = isVaultThere(files);
  if (!hasVault) setOldAuditAside(paths);
  const audit = AuditLog.open({
    files: { folder: paths.auditDir, ...(settings.auditFile === null ? {} : { events: settings.auditFile }) },
    now: Date.now,
    random: randomBytes,
  });
  const vault = hasVault ? Vault.open({ files, now: Date.now }) : null;
  const service = new Service({ paths, settings, audit, runners: makeRunners(), log, vault });
  await service.mounts.removeLeftovers();
  const stop = onceStopped(service, paths, log);
  const server = new WireServer(paths, {
    version: VERSION,
    identity: makeDaemonIdentity(),
    handlers: { ...agentHandlers(service), ...controlHandlers(service, () => void stop('asked')) },
    observePeer,
    guard: async (_row, call) => await guard(service, call),
    onRefused: ({ peer, socketName }, method) => {
      service.recordRefusedMethod(peer.pid, socketName, method).catch((e: unknown) => log.failure('audit', e));
    },
    onInternalError: (failure) => log.failure('call', failure),
  });
  await server.listen();
  stop.server = server;
  log.write('info', 'started', { pid: process.pid });
  if (audit.status.isAvailable) await service.record({ event: 'daemon_started', facts: { pid: process.pid } });
}

interface Stop {
  (why: 'asked' | 'signal' | 'crashed'): Promise<void>;
  server?: WireServer;
}

/** Every way to end goes through here: grants and leases end first, keys are wiped, then the sockets go (I3). */
function onceStopped(service: Service, paths: HomePaths, log: Log): Stop {
  let isStopping = false;
  const stop: Stop = async (why) => {
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => process.exit(1), STOP_WAIT_MS).unref();
    log.write('info', why === 'crashed' ? 'stopping_after_crash' : 'stopping', { pid: process.pid });
    await service.stop().catch((error: unknown) => log.failure('stop', error));
    await stop.server?.close();
    for (const path of [paths.agentSocket, paths.controlSocket, paths.daemonKey]) removeQuietly(path);
    process.exit(why === 'crashed' ? 1 : 0);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void stop('signal'));
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.failure(event, error);
      void stop('crashed');
    });
  }
  return stop;
}

function makeRunners(): Runners {
  const isSource = import.meta.url.endsWith('.ts');
  const script = fileURLToPath(new URL(isSource ? './delivery/runner.ts' : './runner.js', import.meta.url));
  // The same exec-only interpreter and flags as this process.
  return new Runners({
    interpreter: process.execPath,
    flags: HARDENED_FLAGS,
    script,
    env: scrubbedEnvironment(process.env),
  });
}

/** Two daemons on one home are impossible: the kernel holds this lock for as long as the process lives. */
function holdHome(paths: HomePaths): void {
  const fd = openSync(paths.lock, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  if (!lockExclusive(fd)) throw new Failure('home/in_use', 'another daemon runs on this home');
}

/** The log of a vault that is gone stays whole beside the new one, which has other keys. */
function setOldAuditAside({ auditDir }: HomePaths): void {
  if (!existsSync(join(auditDir, 'audit.pub'))) return;
  renameSync(auditDir, `${auditDir}-before-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`);
}

/** This version has no policy engine. An administrator's rules must never be ignored: where there are any, nothing starts. */
function refuseAdministratorPolicy(): void {
  const path =
    process.platform === 'darwin' ? '/Library/Application Support/keystile/policy.toml' : '/etc/keystile/policy.toml';
  try {
    closeSync(openSync(path, constants.O_RDONLY));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
  }
  throw new Failure('policy/forbidden', `this version cannot apply the policy in ${path}`, {
    hint: 'install a version that can, or ask whoever set it',
  });
}

/** Tells whoever started us how it went, on a pipe of its own. Without one there is nobody to tell. */
function sayReady(line: string): void {
  try {
    writeSync(READY_DESCRIPTOR, `${line}\n`);
    closeSync(READY_DESCRIPTOR);
  } catch {
    // Started by hand, in the foreground.
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Gone already.
  }
}
