// What the daemon finds when it looks at itself: the hardening it started with, the files of its home, the audit log.

import { lstatSync } from 'node:fs';
import { inspectHardening } from '../machine/harden.ts';
import type { Check } from '../wire/views.ts';
import type { Service } from './service.ts';

export function doctorChecks(service: Service): Check[] {
  const { paths } = service;
  const hardening = inspectHardening().map(({ check, isOk, found }) => ({ check, ok: isOk, found }));
  return [
    ...hardening,
    modeCheck('home folder is private', paths.home, 0o700),
    modeCheck('vault is private', paths.vault, 0o600),
    modeCheck('device key is private', paths.deviceKey, 0o600),
    modeCheck('agent socket is private', paths.agentSocket, 0o600),
    modeCheck('control socket is private', paths.controlSocket, 0o600),
    auditCheck(service),
    mountCheck(service),
    {
      check: 'a runner is ready',
      ok: true,
      found: service.runners.isSpareReady ? 'yes' : 'not yet; the next run starts one',
    },
  ];
}

/** Not a fault where nothing can be mounted: runs work all the same. */
function mountCheck({ mounts }: Service): Check {
  const check = 'files can be mounted';
  const { found, isBest } = mounts.describe();
  return isBest
    ? { check, ok: true, found }
    : { check, ok: true, found, fix: 'install fuse3 for the best of the three ways' };
}

function auditCheck({ audit }: Service): Check {
  const { isAvailable, lastSeq, checkpointFailure } = audit.status;
  const check = 'audit log can be written';
  const fix = 'free the disk or fix the file; nothing is delivered until then';
  if (!isAvailable) return { check, ok: false, found: 'no', fix };
  if (checkpointFailure !== null) return { check, ok: false, found: 'yes, but no checkpoint could be signed', fix };
  return { check, ok: true, found: `${lastSeq} events` };
}

function modeCheck(check: string, path: string, mode: number): Check {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return { check, ok: path.endsWith('.db') || path.endsWith('.key'), found: 'absent' };
  const found = `${(stats.mode & 0o777).toString(8)}, owner ${stats.uid}`;
  const ok = (stats.mode & 0o777) === mode && stats.uid === process.geteuid?.();
  return ok ? { check, ok, found } : { check, ok, found, fix: `chmod ${mode.toString(8)} ${path}` };
}
