// Where everything of one home lies. The order is that of the README: KEYSTILE_HOME, XDG_DATA_HOME, HOME.
// Sockets are found through the home only, never through a variable that names one.

import { userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { Failure } from '../core/failure.ts';

/** sun_path of sockaddr_un holds 108 bytes on Linux and 104 on macOS, the last of them NUL (unix(7), sys/un.h). */
const SOCKET_PATH_BYTES_MAX = { linux: 107, darwin: 103 } as const;

export interface HomePaths {
  readonly home: string;
  readonly vault: string;
  readonly deviceKey: string;
  readonly settings: string;
  readonly run: string;
  readonly agentSocket: string;
  readonly controlSocket: string;
  readonly lock: string;
  readonly daemonKey: string;
  /** Where the file system of mounted files is attached. */
  readonly mounts: string;
  readonly log: string;
  readonly audit: string;
  readonly auditDir: string;
  readonly interpreter: string;
  readonly cache: string;
}

export interface HomeVariables {
  readonly KEYSTILE_HOME?: string | undefined;
  readonly XDG_DATA_HOME?: string | undefined;
  readonly HOME?: string | undefined;
}

/**
 * The absolute paths of one home. Touches no file, but asks the system for the user's folder when HOME is unset.
 * A variable that is set but empty counts as unset. Throws `home/unsafe` for a relative path or when no home is known,
 * and `home/path_too_long` when a socket would not fit into its address.
 */
export function homePaths(
  variables: HomeVariables = process.env,
  platform: NodeJS.Platform = process.platform,
): HomePaths {
  const home = homeFolder(variables, platform);
  const run = join(home, 'run');
  const auditDir = join(home, 'audit');
  const paths: HomePaths = {
    home,
    vault: join(home, 'vault.db'),
    deviceKey: join(home, 'device.key'),
    settings: join(home, 'config.toml'),
    run,
    agentSocket: join(run, 'agent.sock'),
    controlSocket: join(run, 'control.sock'),
    lock: join(run, 'lock'),
    daemonKey: join(run, 'daemon.pub'),
    mounts: join(run, 'mnt'),
    log: join(home, 'keystile.log'),
    audit: join(auditDir, 'events.jsonl'),
    auditDir,
    interpreter: join(home, 'bin', 'node'),
    cache: join(home, 'cache'),
  };
  refuseLongSocket(paths.controlSocket, platform);
  return paths;
}

function homeFolder(variables: HomeVariables, platform: NodeJS.Platform): string {
  if (variables.KEYSTILE_HOME) return absolute('KEYSTILE_HOME', variables.KEYSTILE_HOME);
  if (variables.XDG_DATA_HOME) return join(absolute('XDG_DATA_HOME', variables.XDG_DATA_HOME), 'keystile');
  const user = variables.HOME ? absolute('HOME', variables.HOME) : folderOfUser();
  if (platform === 'darwin') return join(user, 'Library', 'Application Support', 'keystile');
  return join(user, '.local', 'share', 'keystile');
}

function absolute(variable: string, path: string): string {
  if (!isAbsolute(path)) {
    throw new Failure('home/unsafe', `${variable} is not an absolute path`, {
      hint: `set ${variable} to a path that starts with /`,
    });
  }
  return resolve(path);
}

/** The home folder the system has on record. A user number without an account has none. */
function folderOfUser(): string {
  try {
    return absolute('the home folder of this account', userInfo().homedir);
  } catch (cause) {
    throw new Failure('home/unsafe', 'this user has no home folder', { hint: 'set KEYSTILE_HOME', cause });
  }
}

function refuseLongSocket(longest: string, platform: NodeJS.Platform): void {
  const max = platform === 'darwin' ? SOCKET_PATH_BYTES_MAX.darwin : SOCKET_PATH_BYTES_MAX.linux;
  const length = Buffer.byteLength(longest);
  if (length <= max) return;
  throw new Failure(
    'home/path_too_long',
    `the path of the control socket is ${length} bytes long; the system allows ${max}`,
    { hint: `set KEYSTILE_HOME to a path that is at least ${length - max} bytes shorter` },
  );
}
