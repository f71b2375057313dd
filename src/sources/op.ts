// The 1Password CLI, one `op read` for each field: what the person has not asked for is never fetched.

import { Failure } from '../core/failure.ts';
import type { SecretReference, ValueForm } from '../core/reference.ts';
import type { OpSettings } from '../machine/source-settings.ts';
import { readPrivate } from '../machine/private-files.ts';
import { askProgram, childEnvironment, type Said } from './child.ts';
import type { OpenItem, Shelf, SourcePowers } from './source.ts';
import { programText, trustedProgram } from './trusted.ts';
import { nameOf, valueOf } from './value.ts';

const TOKEN_BYTES_MAX = 16 * 1024;

/** As `op read` takes them (developer.1password.com/docs/cli/secret-reference-syntax). */
const QUERY: Readonly<Record<ValueForm, string>> = {
  value: '',
  otp: '?attribute=otp',
  openssh: '?ssh-format=openssh',
};

type SaidCode = 'name/ambiguous' | 'source/sign_in' | 'source/not_found' | 'source/unreachable';

/**
 * `op` exits with 1 for everything and tells its failures apart in words only; these are pieces of them, in the versions 2.x.
 * What none of them fits is `source/failed`, so a changed word costs a good hint and nothing else.
 */
const SAYINGS: readonly (readonly [piece: string, code: SaidCode])[] = [
  ['ore than one item matches', 'name/ambiguous'],
  ['not currently signed in', 'source/sign_in'],
  ['is not signed in', 'source/sign_in'],
  ['session expired', 'source/sign_in'],
  ['nvalid session token', 'source/sign_in'],
  ['o accounts configured', 'source/sign_in'],
  ['uthorization prompt dismissed', 'source/sign_in'],
  ["isn't an item", 'source/not_found'],
  ["isn't a vault", 'source/not_found'],
  ['does not have a field', 'source/not_found'],
  ["isn't a field", 'source/not_found'],
  ['dial tcp', 'source/unreachable'],
];

export class OpShelf implements Shelf {
  readonly kind = 'op';
  readonly forms = 'made';
  readonly #settings: OpSettings;
  readonly #powers: SourcePowers;

  constructor(settings: OpSettings, powers: SourcePowers) {
    this.#settings = settings;
    this.#powers = powers;
  }

  get where(): string {
    return programText('op', this.#settings.program, this.#powers.searchPath);
  }

  itemOf(reference: SecretReference): string {
    const there = { ...reference, vault: this.#settings.vault ?? reference.vault };
    return `${nameOf(there)}${QUERY[reference.form]}`;
  }

  async open(reference: SecretReference, signal: AbortSignal): Promise<OpenItem> {
    const { account, environment, program: configured } = this.#settings;
    const program = trustedProgram('op', configured, this.#powers.searchPath);
    const env = childEnvironment(this.#powers, environment, this.#token());
    const args = ['read', '--no-newline', ...(account === null ? [] : ['--account', account])];
    const said = await askProgram(program, [...args, '--', this.itemOf(reference)], env, signal);
    if (said.exitCode !== 0) {
      using _ = said;
      throw failureOf(said, reference);
    }
    return { field: () => valueOf(said.stdout, reference), [Symbol.dispose]: () => said[Symbol.dispose]() };
  }

  /** The one way that `op` takes the token of a service account is its environment, so it is a string here. */
  #token(): Record<string, string> {
    const path = this.#settings.serviceAccountFile;
    if (path === null) return {};
    const bytes = readPrivate(path, TOKEN_BYTES_MAX);
    if (bytes === null)
      throw new Failure('source/sign_in', `there is no file ${path}`, { hint: 'correct config.toml' });
    const token = bytes.toString('latin1').trim();
    bytes.fill(0);
    if (!/^[\x21-\x7e]+$/.test(token)) throw new Failure('source/sign_in', `${path} holds no token`);
    return { OP_SERVICE_ACCOUNT_TOKEN: token };
  }
}

function failureOf(said: Said, reference: SecretReference): Failure {
  const code = SAYINGS.find(([piece]) => said.stderr.includes(piece))?.[1];
  const name = nameOf(reference);
  switch (code) {
    case 'name/ambiguous':
      return new Failure(code, `1Password has more than one item for ${name}`, { hint: 'name the item by its id' });
    case 'source/sign_in':
      return new Failure(code, `op is not signed in, or nobody confirmed that ${name} may be read`, {
        hint: 'run op signin, or unlock the 1Password app, and try again; docs/sources.md says what works without one',
      });
    case 'source/not_found':
      return new Failure(code, `1Password has no ${name}`, { hint: 'check the names of vault, item and field' });
    case 'source/unreachable':
      return new Failure(code, 'op cannot reach 1Password', { hint: 'check the network of this machine' });
    case undefined: {
      const how = said.exitCode === null ? 'was ended by a signal' : `exited with ${said.exitCode}`;
      return new Failure('source/failed', `op ${how} when asked for ${name}`, {
        hint: 'run op read with that reference at a terminal, and see what it says',
      });
    }
  }
}
