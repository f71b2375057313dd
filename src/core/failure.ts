// A Failure is a stop: something the caller asked for cannot be done, and here is what to do next.
// A denial is not a Failure; it is an answer (core/request.ts). Codes are a closed list, documented in docs/errors.md.
// No value of a secret is ever put into a message, a hint or a field.

/** Exit codes of the command line, as the README lists them. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  locked: 3,
  denied: 4,
  timedOut: 5,
  forbidden: 6,
  notFound: 7,
  ambiguous: 8,
  unreachable: 9,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Every code there is: the exit code it means, and the next step when the thrower has no better one. */
export const FAILURES = {
  'usage/invalid': [EXIT.usage, 'see keystile --help'],
  'input/invalid': [EXIT.usage, 'correct the named field and call again'],
  'input/too_large': [EXIT.usage, 'send less at once'],
  'input/reference_in_argv': [EXIT.usage, 'name the secret in "references" and read it from the environment'],
  'input/reference_invalid': [EXIT.usage, 'write op://vault/item/field or op://vault/item/section/field'],
  'input/reference_unsupported': [EXIT.usage, 'give it in references'],
  'input/environment_refused': [EXIT.usage, 'leave that variable out of env'],
  'input/looks_secret': [EXIT.usage, 'declare it without a value; the human fills it in'],
  'input/value_refused': [EXIT.usage, 'declare it without a value; the human fills it in'],
  'home/unsafe': [EXIT.failed, 'fix the owner and mode of the folder, or set KEYSTILE_HOME'],
  'home/settings': [EXIT.failed, 'correct config.toml'],
  'home/path_too_long': [EXIT.failed, 'set KEYSTILE_HOME to a shorter path'],
  'home/in_use': [EXIT.failed, 'another daemon runs on this home; keystile status shows it'],
  'machine/unsupported': [EXIT.failed, 'see keystile doctor'],
  'machine/not_hardened': [EXIT.failed, 'see keystile doctor'],
  'machine/io': [EXIT.failed, 'see keystile doctor'],
  'vault/absent': [EXIT.failed, 'run keystile init'],
  'vault/exists': [EXIT.failed, 'use it, or set KEYSTILE_HOME to another folder'],
  'vault/locked': [EXIT.locked, 'run keystile unlock'],
  'vault/wrong_passphrase': [EXIT.denied, 'check the passphrase and try again'],
  'vault/back_off': [EXIT.denied, 'wait, then try again'],
  'vault/newer_format': [EXIT.failed, 'update keystile'],
  'vault/damaged': [EXIT.failed, 'restore vault.db from a backup'],
  'vault/weak_kdf': [EXIT.failed, 'restore vault.db from a backup; its key derivation settings were changed'],
  'vault/weak_passphrase': [EXIT.usage, 'choose a longer passphrase'],
  'vault/limit': [EXIT.failed, 'delete what is not needed'],
  'vault/value_missing': [EXIT.failed, 'set it with keystile environment set'],
  'name/invalid': [EXIT.usage, 'choose another name'],
  'name/taken': [EXIT.failed, 'choose another name'],
  'name/not_found': [EXIT.notFound, 'list what there is'],
  'name/ambiguous': [EXIT.ambiguous, 'use the id'],
  'human/needed': [EXIT.denied, 'type the passphrase at a terminal, or use --passphrase-stdin'],
  'human/under_agent': [EXIT.denied, 'do it from a terminal that no agent started'],
  'request/not_found': [EXIT.notFound, 'keystile requests lists what waits'],
  'request/over': [EXIT.denied, 'the agent has to ask again'],
  'request/changed': [EXIT.denied, 'look at the request again'],
  'request/too_many': [EXIT.denied, 'answer what waits first'],
  'request/operand_changed': [EXIT.denied, 'ask again; a file changed after it was shown'],
  'request/denied': [EXIT.denied, 'the human said no'],
  'request/expired': [EXIT.timedOut, 'ask again'],
  'policy/forbidden': [EXIT.forbidden, 'ask whoever set the policy'],
  'mount/exists': [EXIT.failed, 'move it away, or choose another path'],
  'mount/unsafe': [EXIT.failed, 'choose a path in a folder of yours'],
  'mount/tracked': [EXIT.failed, 'take it out of git first'],
  'mount/unsupported': [EXIT.failed, 'choose another --backend'],
  'mount/not_found': [EXIT.notFound, 'keystile mounts lists them'],
  'mount/limit': [EXIT.failed, 'unmount what is not needed'],
  'dotenv/invalid': [EXIT.failed, 'correct that line'],
  'template/invalid': [EXIT.failed, 'correct that place of the template'],
  'file/exists': [EXIT.failed, 'choose another path, or add --force'],
  'file/unreadable': [EXIT.notFound, 'check the path and its permissions'],
  'import/format': [EXIT.failed, 'say which with --from; keystile import --help lists them'],
  'import/damaged': [EXIT.failed, 'export it again'],
  'import/password': [EXIT.denied, 'check the password of that file'],
  'source/failed': [EXIT.failed, 'see what the source says, then try again'],
  'source/sign_in': [EXIT.denied, 'sign in to the source, then try again'],
  'source/not_found': [EXIT.notFound, 'check the reference and the source'],
  'source/unreachable': [EXIT.failed, 'check that the source is there'],
  'dotenv/unwritable': [EXIT.failed, 'leave that variable out, or hand it over with run'],
  'program/not_found': [EXIT.notFound, 'give an absolute path'],
  'run/failed': [EXIT.failed, 'see keystile audit list'],
  'run/nothing_held': [EXIT.notFound, 'keystile audit list shows the runs'],
  'audit/unavailable': [EXIT.failed, 'free the disk or fix the audit file; nothing is delivered until then'],
  'audit/damaged': [EXIT.failed, 'keep the file; keystile audit verify names the first bad event'],
  'daemon/unreachable': [EXIT.unreachable, 'run keystile start'],
  'daemon/sandboxed': [
    EXIT.unreachable,
    'run it outside the sandbox; a coding agent calls run_with_credentials instead',
  ],
  'daemon/impostor': [EXIT.unreachable, 'something else answers on the socket; run keystile doctor'],
  'daemon/protocol': [EXIT.unreachable, 'restart with keystile stop and keystile start'],
  'daemon/method_not_found': [EXIT.unreachable, 'update keystile and restart the daemon'],
  'daemon/busy': [EXIT.failed, 'try again in a moment'],
  'client/not_installed': [EXIT.notFound, 'install it first, or use --print'],
  'client/config': [EXIT.failed, 'correct the configuration file of the client'],
  'internal/error': [EXIT.failed, 'see keystile.log'],
} as const satisfies Record<string, readonly [ExitCode, string]>;

export type FailureCode = keyof typeof FAILURES;

/** What crosses a socket or is printed with `--format json`. */
export interface FailureDocument {
  readonly code: FailureCode;
  readonly message: string;
  readonly hint: string;
  readonly field?: string;
}

export interface FailureOptions {
  /** The next step, when the one of the table is too general. */
  readonly hint?: string;
  /** The argument that was wrong, as a path: `variables[0].name`. */
  readonly field?: string;
  readonly cause?: unknown;
}

export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: FailureCode;
  readonly hint: string;
  readonly field: string | undefined;

  /** `message` says what happened, in words that may be shown to anybody. */
  constructor(code: FailureCode, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? FAILURES[code][1];
    this.field = options.field;
  }

  get exitCode(): ExitCode {
    return FAILURES[this.code][0];
  }

  toDocument(): FailureDocument {
    const document = { code: this.code, message: this.message, hint: this.hint };
    return this.field === undefined ? document : { ...document, field: this.field };
  }

  /** Reads a document that came over a socket; a code this version does not know becomes `internal/error`. */
  static fromDocument(document: FailureDocument): Failure {
    const code = document.code in FAILURES ? document.code : 'internal/error';
    const { hint, field } = document;
    return new Failure(code, document.message, field === undefined ? { hint } : { hint, field });
  }

  /** Any thrown thing as a Failure. What is not one of ours is not shown: its message could hold anything. */
  static from(thrown: unknown): Failure {
    if (thrown instanceof Failure) return thrown;
    return new Failure('internal/error', 'something went wrong inside keystile', { cause: thrown });
  }
}
