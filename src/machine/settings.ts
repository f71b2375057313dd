// config.toml: what the human may set. Read once at start; a word we do not know is an error, never ignored.

import type { HomePaths } from './paths.ts';
import { readPrivate } from './private-files.ts';
import { readTable } from './settings-table.ts';
import { parseSources, type SourceSettings } from './source-settings.ts';

const SETTINGS_BYTES_MAX = 64 * 1024;
const MINUTES_MAX = 7 * 24 * 60;

export interface Settings {
  /** For `keystile init`; an existing vault keeps its own. The vault checks them against its floor and ceiling. */
  readonly kdf: { readonly memoryMib: number; readonly passes: number; readonly lanes: number };
  /** Where events are appended; null for the usual place in the home. */
  readonly auditFile: string | null;
  /** Seconds a request waits for the human before it is refused. */
  readonly requestSeconds: number;
  /** Minutes without an answer or a command of the human after which the vault locks; 0 for never. */
  readonly lockAfterIdleMinutes: number;
  /** Mount named pipes also where the kernel does not count who opens them (delivery/mount/fifo.ts says what that costs). */
  readonly allowUncountedPipes: boolean;
  /** Look through what a run changed for its secrets (delivery/taint.ts). */
  readonly findTaint: boolean;
  /** Idle minutes for which a terminal where the passphrase was typed gets values without it; 0 to ask each time. */
  readonly rememberTerminalMinutes: number;
  /** Vaults whose secrets live elsewhere, by the name that references use, compared exactly. */
  readonly sources: ReadonlyMap<string, SourceSettings>;
}

/** Argon2id as SECURITY.md, "Argon2id", recommends it; eight hours, a working day. */
export const DEFAULT_SETTINGS: Settings = {
  kdf: { memoryMib: 256, passes: 3, lanes: 4 },
  auditFile: null,
  requestSeconds: 300,
  lockAfterIdleMinutes: 480,
  allowUncountedPipes: false,
  findTaint: true,
  rememberTerminalMinutes: 10,
  sources: new Map(),
};

/** The settings of a home, or the defaults when it has no config.toml. Throws `home/settings`, `home/unsafe`. */
export function readSettings(paths: Pick<HomePaths, 'settings'>): Settings {
  const bytes = readPrivate(paths.settings, SETTINGS_BYTES_MAX);
  return bytes === null ? DEFAULT_SETTINGS : parseSettings(bytes.toString('utf8'));
}

/** Reads the text of config.toml. Throws `home/settings` with the key, and the line where it can be told. */
export function parseSettings(text: string): Settings {
  const root = readTable(text);
  const kdf = root.table('kdf');
  const audit = root.table('audit');
  const requests = root.table('requests');
  const mounts = root.table('mounts');
  const runs = root.table('runs');
  const terminals = root.table('terminals');
  const settings: Settings = {
    kdf: {
      memoryMib: kdf.whole('memory_mib', 1, 65_536, DEFAULT_SETTINGS.kdf.memoryMib),
      passes: kdf.whole('passes', 1, 1_000, DEFAULT_SETTINGS.kdf.passes),
      lanes: kdf.whole('lanes', 1, 64, DEFAULT_SETTINGS.kdf.lanes),
    },
    auditFile: audit.absolutePath('file'),
    requestSeconds: requests.whole('expire_after_seconds', 10, 3_600, DEFAULT_SETTINGS.requestSeconds),
    lockAfterIdleMinutes: root.whole('lock_after_idle_minutes', 0, MINUTES_MAX, DEFAULT_SETTINGS.lockAfterIdleMinutes),
    allowUncountedPipes: mounts.flag('allow_uncounted_pipes', DEFAULT_SETTINGS.allowUncountedPipes),
    findTaint: runs.flag('find_taint', DEFAULT_SETTINGS.findTaint),
    rememberTerminalMinutes: terminals.whole('remember_minutes', 0, 60, DEFAULT_SETTINGS.rememberTerminalMinutes),
    sources: parseSources(root.table('sources')),
  };
  for (const table of [root, kdf, audit, requests, mounts, runs, terminals]) table.refuseRest();
  return settings;
}
