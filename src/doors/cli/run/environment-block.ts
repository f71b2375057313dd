// The environment of a person's run as the bytes that execve(2) takes: everything the person has, and the values over it.

import { Failure } from '../../../core/failure.ts';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const NUL = 0;

export interface RunVariable {
  readonly name: string;
  readonly value: Buffer;
  /** Looked for in output. */
  readonly isMasked: boolean;
}

export class EnvironmentBlock implements Disposable {
  /** `NAME=value` and a NUL byte, each. */
  readonly entries: readonly Buffer[];
  /** Whether every name is one that a shell could have; other names get lost in some shells. */
  readonly hasOrdinaryNames: boolean;

  /** Throws `input/invalid` for a value with a NUL byte, which no environment can hold (environ(7)). */
  constructor(inherited: Readonly<Record<string, string>>, variables: readonly RunVariable[]) {
    const own = new Set(variables.map(({ name }) => name));
    const kept = Object.entries(inherited).filter(([name]) => !own.has(name));
    this.hasOrdinaryNames = kept.every(([name]) => NAME.test(name));
    this.entries = [
      ...kept.map(([name, value]) => Buffer.from(`${name}=${value}\0`)),
      ...variables.map(({ name, value }) => entryOf(name, value)),
    ];
  }

  /** The system has its own copy once the program is started. */
  [Symbol.dispose](): void {
    for (const entry of this.entries) entry.fill(0);
  }
}

function entryOf(name: string, value: Buffer): Buffer {
  if (value.includes(NUL)) {
    throw new Failure('input/invalid', `the value of ${name} has a NUL byte, which no environment can hold`, {
      field: name,
      hint: 'hand it over as a file or through standard input',
    });
  }
  return Buffer.concat([Buffer.from(`${name}=`), value, Buffer.alloc(1)]);
}
