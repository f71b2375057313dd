// What bin/keystile took from our environment and kept aside for the program of a run: the variables that would have
// changed what our Node does, and the signals that were ignored, which Node forgets.

/** The launcher sets both, and only for `run`. Whoever can set them could have set the real ones. */
const KEPT = 'KEYSTILE_KEPT_';
const IGNORED = 'KEYSTILE_IGNORED_SIGNALS';

/** The environment of the person who ran us, as it was before the launcher. */
export function ownEnvironment(variables: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined || name === IGNORED) continue;
    own[name.startsWith(KEPT) ? name.slice(KEPT.length) : name] = value;
  }
  return own;
}

/** Signals that were ignored when we were started (`nohup`), as SigIgn of proc_pid_status(5) has them. */
export function ignoredSignals(variables: NodeJS.ProcessEnv = process.env): bigint {
  const mask = variables[IGNORED] ?? '';
  return /^[0-9a-f]{1,16}$/.test(mask) ? BigInt(`0x${mask}`) : 0n;
}
