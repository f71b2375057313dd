// Closing this process to every other one, and saying what was found. Called before the first key is loaded; a daemon
// that cannot have all of it does not start. `keystile doctor` prints the same list.

import { readFileSync } from 'node:fs';
import { url as inspectorUrl } from 'node:inspector';
import { Failure } from '../core/failure.ts';
import { HARDENED_FLAGS, isKeptName } from './interpreter.ts';
import { coreLimit, isDumpable, limitCoreToZero, setChildSubreaper, setNonDumpable } from './native.ts';

/** Signal 10 on Linux (signal(7)); bit 9 of the mask in /proc/PID/status. */
const SIGUSR1_BIT = 1n << 9n;

export type HardeningCheck =
  | 'no_inspector'
  | 'fixed_flags'
  | 'clean_environment'
  | 'not_dumpable'
  | 'no_core'
  | 'no_sigusr1'
  | 'report_without_environment'
  | 'sealed_prototypes';

export interface HardeningLine {
  readonly check: HardeningCheck;
  readonly isOk: boolean;
  /** What was found, in words of ours and names of variables or flags. */
  readonly found: string;
}

export type HardeningReport = readonly HardeningLine[];

/**
 * Hardens this process and throws `machine/not_hardened`, naming every check that failed. `flags` is what the
 * interpreter has to have been started with, exactly.
 */
export function harden(flags: readonly string[] = HARDENED_FLAGS): HardeningReport {
  setNonDumpable();
  limitCoreToZero();
  setChildSubreaper();
  if (process.report !== undefined) process.report.excludeEnv = true;
  sealPrototypes();
  const report = inspectHardening(flags);
  const failed = report.filter((line) => !line.isOk);
  if (failed.length === 0) return report;
  const found = failed.map((line) => `${line.check}: ${line.found}`).join('; ');
  throw new Failure('machine/not_hardened', `this process cannot be protected (${found})`);
}

/** Looks and changes nothing. */
export function inspectHardening(flags: readonly string[] = HARDENED_FLAGS): HardeningReport {
  const foreign = Object.keys(process.env).filter((name) => !isKeptName(name));
  const isFlagged = process.execArgv.join('\0') === flags.join('\0');
  const isOpen = isDumpable();
  const core = coreLimit();
  const inspector = inspectorUrl();
  const catchesSigusr1 = isSigusr1Caught();
  const isSealed = SEALED.every((prototype) => !Object.isExtensible(prototype));
  const isReportClean = process.report?.excludeEnv ?? false;
  return [
    line('no_inspector', inspector === undefined, 'off', 'an inspector listens'),
    line('fixed_flags', isFlagged, 'as expected', `started with ${process.execArgv.join(' ') || 'no flags'}`),
    line('clean_environment', foreign.length === 0, 'nothing foreign', namesOnly(foreign)),
    line('not_dumpable', !isOpen, 'closed to other processes', 'open to other processes of this user'),
    line('no_core', core === 0n, 'no core dumps', 'core dumps are possible'),
    line('no_sigusr1', !catchesSigusr1, 'not handled', 'SIGUSR1 opens the inspector'),
    line('report_without_environment', isReportClean, 'left out', 'reports hold the environment'),
    line('sealed_prototypes', isSealed, 'sealed', 'prototypes can be added to'),
  ];
}

function line(check: HardeningCheck, isOk: boolean, good: string, bad: string): HardeningLine {
  return { check, isOk, found: isOk ? good : bad };
}

/** Names of variables can be chosen by others too. */
function namesOnly(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => name.replaceAll(/[^\w]/g, '?').slice(0, 40));
  return `foreign variables ${shown.join(', ')}${names.length > shown.length ? ', …' : ''}`;
}

/** On macOS nobody can tell; there the flag, checked above, has to do. */
function isSigusr1Caught(): boolean {
  if (process.platform !== 'linux') return false;
  const mask = /^SigCgt:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
  return mask === undefined || (BigInt(`0x${mask}`) & SIGUSR1_BIT) !== 0n;
}

const SEALED: readonly object[] = [
  Object,
  Array,
  Function,
  String,
  Number,
  Boolean,
  Map,
  Set,
  Promise,
  RegExp,
  Error,
].map((constructor) => constructor.prototype);

/**
 * Nothing can be added to what every object inherits (E11). Not frozen: then `x.toString = …` would throw in libraries
 * that rightly give an object its own.
 */
function sealPrototypes(): void {
  for (const prototype of SEALED) Object.preventExtensions(prototype);
}
