// password-store: an entry is the text that `pass show` prints. Its first line is the field `password`; lines `name: value`
// are fields too; a line that begins with otpauth:// is the field `otp`.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../core/failure.ts';
import type { SecretReference } from '../core/reference.ts';
import type { Secret } from '../core/secret.ts';
import type { PassSettings } from '../machine/source-settings.ts';
import { askProgram, childEnvironment, type Said } from './child.ts';
import type { OpenItem, Shelf, SourcePowers } from './source.ts';
import { programText, trustedProgram } from './trusted.ts';
import { nameOf, pathOf, valueOf } from './value.ts';

const OTP_START = Buffer.from('otpauth://');
const [TAB, LINE_FEED, RETURN, SPACE, COLON] = Buffer.from('\t\n\r :');

export class PassShelf implements Shelf {
  readonly kind = 'pass';
  readonly forms = 'left';
  readonly #settings: PassSettings;
  readonly #powers: SourcePowers;

  constructor(settings: PassSettings, powers: SourcePowers) {
    this.#settings = settings;
    this.#powers = powers;
  }

  get where(): string {
    return programText('pass', this.#settings.program, this.#powers.searchPath);
  }

  itemOf(reference: SecretReference): string {
    return pathOf(this.#settings.prefix, reference);
  }

  async open(reference: SecretReference, signal: AbortSignal): Promise<OpenItem> {
    const entry = this.itemOf(reference);
    const store = this.#settings.store ?? join(this.#powers.home, '.password-store');
    // Of a folder, `pass show` prints the names in it and exits with 0: a list would pass for a value.
    if (!isFile(join(store, `${entry}.gpg`))) {
      throw new Failure('source/not_found', `the password store has no entry for ${nameOf(reference)}`, {
        hint: 'pass ls shows what there is; a section counts as one more folder',
      });
    }
    const program = trustedProgram('pass', this.#settings.program, this.#powers.searchPath);
    // --status-fd: gpg's words for machines (gnupg/doc/DETAILS), so that none of those for people has to be read.
    const more = { PASSWORD_STORE_DIR: store, PASSWORD_STORE_GPG_OPTS: '--status-fd=2' };
    const env = childEnvironment(this.#powers, this.#settings.environment, more);
    const said = await askProgram(program, ['show', '--', entry], env, signal);
    if (said.exitCode !== 0) {
      using _ = said;
      throw failureOf(said, reference);
    }
    return { field: (one) => fieldOf(said.stdout, one), [Symbol.dispose]: () => said[Symbol.dispose]() };
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function fieldOf(entry: Buffer, reference: SecretReference): Secret {
  const [first = Buffer.alloc(0), ...rest] = linesOf(entry);
  if (reference.field === 'password') return valueOf(first, reference);
  const isOtp = reference.field === 'otp';
  const found = isOtp
    ? [first, ...rest].filter((line) => startsWith(line, OTP_START))
    : namedLines(rest, reference.field);
  const [value, second] = found;
  if (second !== undefined) {
    throw new Failure('name/ambiguous', `the entry has ${found.length} lines for ${nameOf(reference)}`, {
      hint: 'leave one of them: pass edit',
    });
  }
  if (value !== undefined) return valueOf(value, reference);
  throw new Failure('source/not_found', `the entry has no line for ${nameOf(reference)}`, {
    hint: isOtp
      ? 'add one that begins with otpauth://'
      : `add a line that begins with ${reference.field}: (case counts)`,
  });
}

/** Views of the lines, without their ends. */
function linesOf(text: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < text.length;) {
    const found = text.indexOf(LINE_FEED!, start);
    const next = found < 0 ? text.length : found;
    const end = next > start && text[next - 1] === RETURN ? next - 1 : next;
    lines.push(text.subarray(start, end));
    start = next + 1;
  }
  return lines;
}

/** What stands behind `name:` and blanks. */
function namedLines(lines: readonly Buffer[], name: string): Buffer[] {
  const start = Buffer.concat([Buffer.from(name), Buffer.of(COLON!)]);
  return lines
    .filter((line) => startsWith(line, start))
    .map((line) => {
      let at = start.length;
      while (line[at] === SPACE || line[at] === TAB) at += 1;
      return line.subarray(at);
    });
}

function startsWith(line: Buffer, start: Buffer): boolean {
  return line.subarray(0, start.length).equals(start);
}

/**
 * By gpg's status line for a decryption that failed. Measured with GnuPG 2.2.40: a key that is not there, a passphrase that
 * nobody could be asked for and one that nobody typed all look alike.
 */
function failureOf(said: Said, reference: SecretReference): Failure {
  const name = nameOf(reference);
  if (said.stderr.includes('[GNUPG:] DECRYPTION_FAILED')) {
    return new Failure('source/sign_in', `gpg could not use a key for ${name}: it is not here, or was not unlocked`, {
      hint: 'unlock it at a terminal with pass show, or look for it with gpg --list-secret-keys, then try again',
    });
  }
  const how = said.exitCode === null ? 'was ended by a signal' : `exited with ${said.exitCode}`;
  return new Failure('source/failed', `pass ${how} when asked for ${name}`, {
    hint: 'run pass show with that entry at a terminal, and see what it says',
  });
}
