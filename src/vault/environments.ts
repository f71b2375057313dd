// Environments and their variables in an unlocked vault. A variable is two records: what may be said of it, and its value.

import { isWritable } from '../core/dotenv-write.ts';
import { ENVIRONMENTS_MAX, VALUE_BYTES_MAX, VARIABLES_MAX } from '../core/environment.ts';
import type { Environment, OutputMode, Variable, VariableKind } from '../core/environment.ts';
import { Failure } from '../core/failure.ts';
import { maskabilityOf } from '../core/maskability.ts';
import { isId, makeId, parseTitle, parseVariableName } from '../core/names.ts';
import { parseReference } from '../core/reference.ts';
import { Secret } from '../core/secret.ts';
import type { Records } from './records.ts';
import type { StoredRecord } from './seal.ts';

/** A variable as it is put into the vault. The vault does not keep or wipe `value`. */
export interface VariableInput {
  readonly name: string;
  readonly kind: VariableKind;
  /** True for every kind but `plain`. */
  readonly concealed: boolean;
  /** With the kinds `literal`, `generated` and `plain`: at most 64 KiB and no NUL, which no program could receive. */
  readonly value?: Secret;
  /** With the kind `reference`. */
  readonly reference?: string;
}

/** One value still sealed, with the key to it alone: `unpad(openXaes(key, nonce, sealed, aad))` is the value. */
export interface SealedVariable {
  readonly name: string;
  /** The receiver wipes it. */
  readonly key: Secret;
  readonly nonce: Buffer;
  readonly sealed: Buffer;
  readonly aad: Buffer;
  readonly concealed: boolean;
  readonly maskable: boolean;
}

/** Environments kept as they were read (I8). */
const KNOWN_MAX = 100;

interface EnvironmentContent {
  readonly name: string;
  readonly createdBy: string | null;
  readonly output: OutputMode;
}

export class Environments {
  readonly #records: Records;
  /** As they were read last: nothing has changed since, or they are read again. */
  readonly #known = new Map<string, { readonly revision: number; readonly environment: Environment }>();

  constructor(records: Records) {
    this.#records = records;
  }

  /** Ordered by name. */
  list(): Environment[] {
    const all = this.#records.list('environment', '').map((record) => this.#read(record));
    return all.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** By id, else by name. Throws `name/not_found`. */
  get(nameOrId: string): Environment {
    const { settledRevision: revision } = this.#records;
    const known = this.#known.get(nameOrId);
    if (known !== undefined && known.revision === revision) return known.environment;
    const environment = this.#read(this.#record(nameOrId));
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    if (revision !== null) this.#known.set(nameOrId, { revision, environment });
    return environment;
  }

  create(name: string, createdBy: string | null): Environment {
    parseTitle(name);
    return this.#records.transaction(() => {
      this.#refuseTaken(name);
      if (this.#records.count('environment', '') >= ENVIRONMENTS_MAX) {
        throw new Failure('vault/limit', `a vault holds at most ${ENVIRONMENTS_MAX} environments`);
      }
      const id = makeId('env', this.#records.random(13));
      this.#write(id, { name, createdBy, output: 'redacted' });
      return this.get(id);
    });
  }

  rename(environmentId: string, name: string): void {
    parseTitle(name);
    this.#records.transaction(() => {
      const content = this.#content(environmentId);
      this.#refuseTaken(name, environmentId);
      this.#write(environmentId, { ...content, name });
    });
  }

  setOutput(environmentId: string, output: OutputMode): void {
    this.#records.transaction(() => {
      const content = this.#content(environmentId);
      this.#write(environmentId, { ...content, output });
    });
  }

  delete(environmentId: string): void {
    this.#records.transaction(() => {
      const record = this.#byId(environmentId);
      for (const type of ['value', 'variable'] as const) {
        for (const member of this.#records.list(type, environmentId)) this.#records.remove(member);
      }
      this.#records.remove(record);
    });
  }

  /** Makes the variable, or replaces all of what it was. */
  setVariable(environmentId: string, input: VariableInput): Variable {
    parseVariableName(input.name);
    refuseImpossible(input);
    const variable = variableOf(input);
    return this.#records.transaction(() => {
      this.#byId(environmentId);
      const known = this.#records.find('variable', environmentId, input.name);
      if (known === undefined && this.#records.count('variable', environmentId) >= VARIABLES_MAX) {
        throw new Failure('vault/limit', `an environment holds at most ${VARIABLES_MAX} variables`);
      }
      const id = known?.id ?? makeId('var', this.#records.random(13));
      const place = { id, parent: environmentId, name: input.name };
      this.#records.putJson({ type: 'variable', ...place }, variable);
      // I1: the value goes from its coat into the seal, and nowhere else.
      if (input.value === undefined) this.#records.remove({ type: 'value', id });
      else this.#records.put({ type: 'value', ...place }, input.value.reveal());
      return variable;
    });
  }

  /** Throws `name/not_found`. */
  unsetVariable(environmentId: string, name: string): void {
    this.#records.transaction(() => {
      const { id } = this.#variableRecord(environmentId, name);
      this.#records.remove({ type: 'value', id });
      this.#records.remove({ type: 'variable', id });
    });
  }

  /** The named variables and only those (I9), none of them opened. */
  sealedVariables(environmentId: string, names: readonly string[]): SealedVariable[] {
    this.#byId(environmentId);
    const found = names.map((name) => {
      const variable = this.#variable(this.#variableRecord(environmentId, name));
      return { variable, record: this.#valueRecord(environmentId, variable) };
    });
    return found.map(({ variable: { name, concealed, maskable }, record }) => {
      const { key, nonce, sealed, aad } = this.#records.handOver(record);
      return { name, key: new Secret(key), nonce, sealed, aad, concealed, maskable };
    });
  }

  #valueRecord(environmentId: string, variable: Variable): StoredRecord {
    const { name } = variable;
    const record = this.#records.find('value', environmentId, name);
    if (record === undefined) throw new Failure('vault/value_missing', `${name} has no value yet`, { field: name });
    return record;
  }

  #read(record: StoredRecord): Environment {
    const content = this.#records.openJson<EnvironmentContent>(record);
    const variables = this.#records.list('variable', record.id).map((member) => this.#variable(member));
    variables.sort((a, b) => (a.name < b.name ? -1 : 1));
    return { environmentId: record.id, ...content, variables };
  }

  #variable(record: StoredRecord): Variable {
    return this.#records.openJson<Variable>(record);
  }

  #write(id: string, content: EnvironmentContent): void {
    this.#records.putJson({ type: 'environment', id, parent: '', name: content.name }, content);
  }

  #content(environmentId: string): EnvironmentContent {
    return this.#records.openJson<EnvironmentContent>(this.#byId(environmentId));
  }

  #record(nameOrId: string): StoredRecord {
    const byId = isId('env', nameOrId) ? this.#records.get('environment', nameOrId) : undefined;
    const record = byId ?? this.#records.find('environment', '', nameOrId);
    if (record === undefined) throw new Failure('name/not_found', 'there is no environment of that name');
    return record;
  }

  #byId(environmentId: string): StoredRecord {
    const record = this.#records.get('environment', environmentId);
    if (record === undefined) throw new Failure('name/not_found', 'there is no environment with that id');
    return record;
  }

  #variableRecord(environmentId: string, name: string): StoredRecord {
    const record = this.#records.find('variable', environmentId, name);
    if (record === undefined) {
      throw new Failure('name/not_found', 'the environment has no variable of that name', { field: name });
    }
    return record;
  }

  #refuseTaken(name: string, exceptId?: string): void {
    const other = this.#records.find('environment', '', name);
    if (other === undefined || other.id === exceptId) return;
    throw new Failure('name/taken', 'there is an environment of that name already', { field: 'name' });
  }
}

function variableOf({ name, kind, concealed, value, reference }: VariableInput): Variable {
  const isSet = kind !== 'missing';
  const maskability = value === undefined || !concealed ? undefined : maskabilityOf(value.reveal());
  const writable = value === undefined || isWritable({ name, value: value.reveal() });
  const plain = kind === 'plain' && value !== undefined ? { plain: value.reveal().toString('utf8') } : {};
  return {
    name,
    kind,
    concealed,
    isSet,
    maskable: maskability === undefined || maskability === 'maskable',
    ...(maskability === undefined ? {} : { maskability }),
    writable,
    ...plain,
    ...(reference === undefined ? {} : { reference }),
  };
}

function refuseImpossible({ kind, concealed, value, reference }: VariableInput): void {
  const hasValue = kind === 'literal' || kind === 'generated' || kind === 'plain';
  if (concealed !== (kind !== 'plain')) throw invalid('only plain variables are not concealed', 'concealed');
  if ((value !== undefined) !== hasValue)
    throw invalid(`a ${kind} variable has ${hasValue ? 'a' : 'no'} value`, 'value');
  if ((reference !== undefined) !== (kind === 'reference')) throw invalid('only references refer', 'reference');
  if (reference !== undefined) parseReference(reference);
  if (value === undefined) return;
  if (value.byteLength > VALUE_BYTES_MAX) {
    throw new Failure('input/too_large', `a value has at most ${VALUE_BYTES_MAX} bytes`, { field: 'value' });
  }
  if (value.reveal().includes(0)) throw invalid('a value with a NUL byte cannot be given to a program', 'value');
}

function invalid(message: string, field: string): Failure {
  return new Failure('input/invalid', message, { field });
}
