// Asking the human: at the controlling terminal, or through --passphrase-stdin. What is typed lives in a Buffer that is
// wiped when its use ends. I1: the one file of this door that reveals a Secret, to send it as a part of a frame.

import { fstatSync } from 'node:fs';
import { VALUE_BYTES_MAX } from '../../core/environment.ts';
import { Failure } from '../../core/failure.ts';
import { printable } from '../../core/printable.ts';
import type { Secret } from '../../core/secret.ts';
import { isTerminal } from '../../machine/pty.ts';
import type { Terminal } from '../../machine/terminal.ts';
import { usage } from './command.ts';
import { standard } from './output.ts';

/** NIST SP 800-63B asks for 8 at least; the strength of a vault at rest is that of its passphrase. */
const PASSPHRASE_CHARACTERS_MIN = 8;
const PASSPHRASE_CHARACTERS_GOOD = 16;
/** Somebody who is told why may choose again: what is typed after we have ended is a line of the shell's history. */
const CHOICES_MAX = 3;
const ROWS_DEFAULT = 24;
/** Left free on a page: the line that says how to go on, and the last line of the page before. */
const ROWS_KEPT = 2;
const NEWLINE = 0x0a;

/** What a value is for. */
export interface ValueKind {
  /** Of standard input. */
  readonly bytesMax: number;
  /** What to do where nobody can be asked. */
  readonly insteadOfTyping: string;
  /** What to do about an empty value. */
  readonly insteadOfEmpty: string;
}

const VARIABLE: ValueKind = {
  bytesMax: VALUE_BYTES_MAX,
  insteadOfTyping: 'use --value-stdin',
  insteadOfEmpty: "to store an empty value, use --plain ''",
};

export interface Human {
  /** Hands the passphrase over and wipes it afterwards. Throws `human/needed` when nobody can be asked. */
  withPassphrase<T>(question: string, use: (passphrase: Buffer) => Promise<T>): Promise<T>;
  /** Reads the passphrase from standard input now, for `withPassphrase` later: what follows it there is something else. */
  takePassphrase(): Promise<void>;
  /** A new passphrase: typed twice, or once through standard input. Throws `vault/weak_passphrase`. */
  withNewPassphrase<T>(use: (passphrase: Buffer) => Promise<T>): Promise<T>;
  /** Another secret line, asked as the passphrase is. */
  withSecretLine<T>(question: string, use: (line: Buffer) => Promise<T>): Promise<T>;
  /** A value typed at the terminal, or all of standard input less one final newline: of a variable, or of `kind`. */
  withValue<T>(
    question: string,
    isFromStdin: boolean,
    use: (value: Buffer) => Promise<T>,
    kind?: ValueKind,
  ): Promise<T>;
  /** Returns once the last line was shown; long texts go page by page. Lines are printable ASCII. */
  read(lines: readonly string[]): Promise<void>;
  /** Yes or no at the terminal; with --passphrase-stdin the command itself is the yes. */
  confirm(question: string): Promise<boolean>;
  /**
   * The same before something is gone for good, where standard input is a terminal: a script has decided already. Throws
   * `request/denied` for a no.
   */
  confirmLoss(question: string): Promise<void>;
  /** Columns of wherever `read` shows lines. */
  columns(): Promise<number>;
  /** The terminal for as long as `use` runs. Throws `human/needed` without one. */
  withTerminal<T>(use: (terminal: Terminal) => Promise<T>): Promise<T>;
}

/** `isStdin`: the passphrase is the first line of standard input (--passphrase-stdin). */
export function processHuman(isStdin: boolean): Human {
  let taken: Secret | null = null;
  const fromStdin = async (): Promise<Secret> => {
    const line = taken ?? (await readPassphrase());
    taken = null;
    return line;
  };
  const withSecretLine = async <T>(question: string, use: (line: Buffer) => Promise<T>): Promise<T> => {
    using line = isStdin
      ? await fromStdin()
      : await withTerminal(async (terminal) => await terminal.readHidden(`${question}: `));
    return await use(line.reveal());
  };
  return {
    withSecretLine,
    withPassphrase: withSecretLine,
    withTerminal,
    async takePassphrase() {
      if (isStdin) taken ??= await readPassphrase();
    },
    columns: async () => (isStdin ? process.stderr.columns || 80 : await terminalColumns()),
    async withNewPassphrase(use) {
      using passphrase = isStdin ? await readPassphrase() : await withTerminal(chooseAtTerminal);
      refuseWeak(passphrase.reveal());
      return await use(passphrase.reveal());
    },
    async withValue(question, isFromStdin, use, kind = VARIABLE) {
      if (!isFromStdin) return await withTypedValue(question, use, kind);
      refuseTerminalInput('leave that out, and it is asked for and not shown');
      // Standard input has two tenants: its first line is the passphrase, whether this command needs one or not.
      if (isStdin) (await readPassphrase()).wipe();
      return await withStdinValue(use, kind);
    },
    async read(lines) {
      if (isStdin) standard('stderr').write(`${lines.join('\n')}\n`);
      else await withTerminal(async (terminal) => await showPages(terminal, lines));
    },
    confirm: async (question) => isStdin || (await confirmAtTerminal(question)),
    async confirmLoss(question) {
      if (isStdin || !isTerminal(0) || (await confirmAtTerminal(printable(question)))) return;
      throw new Failure('request/denied', 'nothing was deleted', { hint: 'answer y to delete it' });
    },
  };
}

/** What knows terminals is loaded when somebody is asked: that takes 3 ms. */
async function openTerminal(): Promise<Terminal | null> {
  return (await import('../../machine/terminal.ts')).openTerminal();
}

async function readPassphrase(): Promise<Secret> {
  refuseTerminalInput('leave --passphrase-stdin out, and it is asked for and not shown');
  return await (await import('../../machine/terminal.ts')).readPassphraseFromStdin();
}

/** Nobody asked there, and the terminal would show it. */
function refuseTerminalInput(hint: string): void {
  if (isTerminal(0)) throw usage('standard input is a terminal, which shows what is typed', hint);
}

async function withTerminal<T>(use: (terminal: Terminal) => Promise<T>, instead?: string): Promise<T> {
  using terminal = await openTerminal();
  if (terminal === null) {
    const options = instead === undefined ? {} : { hint: instead };
    throw new Failure('human/needed', 'there is no terminal to ask at', options);
  }
  return await use(terminal);
}

async function terminalColumns(): Promise<number> {
  using terminal = await openTerminal();
  return terminal?.columns ?? 80;
}

async function chooseAtTerminal(terminal: Terminal): Promise<Secret> {
  terminal.write(
    `Choose a passphrase: ${PASSPHRASE_CHARACTERS_MIN} characters or more; four unrelated words are good.\n`,
  );
  for (let left = CHOICES_MAX - 1; ; left -= 1) {
    try {
      return await typeTwice(terminal);
    } catch (error) {
      if (left === 0 || !(error instanceof Failure) || !CHOOSE_AGAIN.has(error.code)) throw error;
      terminal.write(`Not taken: ${error.message}. Choose again.\n`);
    }
  }
}

const CHOOSE_AGAIN: ReadonlySet<string> = new Set(['vault/weak_passphrase', 'input/invalid']);

async function typeTwice(terminal: Terminal): Promise<Secret> {
  const first = await terminal.readHidden('Passphrase: ');
  try {
    refuseWeak(first.reveal());
    using second = await terminal.readHidden('The same again: ');
    if (!first.equals(second)) throw new Failure('input/invalid', 'the two passphrases differ', { hint: 'try again' });
    if (countCharacters(first.reveal()) < PASSPHRASE_CHARACTERS_GOOD) {
      terminal.write('A short one: whoever copies this disk can try very many. Longer is stronger.\n');
    }
    return first;
  } catch (error) {
    first.wipe();
    throw error;
  }
}

function refuseWeak(passphrase: Buffer): void {
  if (countCharacters(passphrase) >= PASSPHRASE_CHARACTERS_MIN) return;
  throw new Failure('vault/weak_passphrase', `a passphrase has at least ${PASSPHRASE_CHARACTERS_MIN} characters`);
}

/** Characters of UTF-8 without making a string of them: every byte but those that begin with the bits 10. */
function countCharacters(bytes: Buffer): number {
  return bytes.reduce((count, byte) => count + ((byte & 0xc0) === 0x80 ? 0 : 1), 0);
}

async function withTypedValue<T>(question: string, use: (value: Buffer) => Promise<T>, kind: ValueKind): Promise<T> {
  const { insteadOfTyping, insteadOfEmpty } = kind;
  using value = await withTerminal(async (terminal) => {
    if (isStdinSent()) terminal.write(`What comes on standard input is not used here: ${insteadOfTyping}.\n`);
    return await terminal.readHidden(`${question}: `);
  }, insteadOfTyping);
  refuseEmpty(value.reveal(), insteadOfEmpty);
  return await use(value.reveal());
}

/** A pipe or a file: somebody sends a value there. */
function isStdinSent(): boolean {
  const standardInput = fstatSync(0);
  return standardInput.isFIFO() || standardInput.isFile();
}

async function withStdinValue<T>(use: (value: Buffer) => Promise<T>, kind: ValueKind): Promise<T> {
  const { readAllStdin } = await import('../../machine/terminal.ts');
  const bytes = await readAllStdin(kind.bytesMax + 1);
  try {
    const value = bytes.at(-1) === NEWLINE ? bytes.subarray(0, -1) : bytes;
    refuseEmpty(value, kind.insteadOfEmpty);
    return await use(value);
  } finally {
    bytes.fill(0);
  }
}

/** A program that failed and printed nothing must not empty a credential. */
function refuseEmpty(value: Buffer, hint: string): void {
  if (value.length === 0) throw new Failure('input/invalid', 'the value is empty', { hint });
}

async function confirmAtTerminal(question: string): Promise<boolean> {
  return await withTerminal(async (terminal) => {
    terminal.write(`${question} [y/N] `);
    const key = String.fromCharCode(await terminal.readKey());
    terminal.write(`${key === 'y' || key === 'Y' ? 'yes' : 'no'}\n`);
    return key === 'y' || key === 'Y';
  });
}

/** A warning of the prompt stands out where there are colours (no-color.org). Other lines stay as they are. */
export function paint(line: string): string {
  const { NO_COLOR, TERM } = process.env;
  return line.startsWith('  !!') && !NO_COLOR && TERM !== 'dumb' ? `\u001b[1m${line}\u001b[22m` : line;
}

/** Lines that fit on the terminal at once. A terminal that does not know its size says 0. */
export function pageRows(): number {
  const rows = process.stderr.rows || process.stdout.rows || ROWS_DEFAULT;
  return Math.max(ROWS_KEPT + 1, rows) - ROWS_KEPT;
}

/** What stands below a page that is not the last. */
export function moreLine(left: number): string {
  return `-- ${left} more: space goes on, q leaves -- `;
}

/** I5: whoever leaves before the last line has not seen what he would approve. */
async function showPages(terminal: Terminal, lines: readonly string[]): Promise<void> {
  const rows = pageRows();
  for (let at = 0; at < lines.length; at += rows) {
    terminal.write(
      `${lines
        .slice(at, at + rows)
        .map(paint)
        .join('\n')}\n`,
    );
    const left = lines.length - at - rows;
    if (left > 0) await untilGoingOn(terminal, left);
  }
}

async function untilGoingOn(terminal: Terminal, left: number): Promise<void> {
  terminal.write(moreLine(left));
  for (;;) {
    const key = String.fromCharCode(await terminal.readKey());
    if (key === ' ' || key === '\r' || key === '\n') break;
    if (key !== 'q') continue;
    terminal.write('\n');
    throw new Failure('human/needed', 'left before all of it was shown', { hint: 'nothing was answered; look again' });
  }
  terminal.write('\n');
}
