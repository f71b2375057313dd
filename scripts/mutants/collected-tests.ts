// Stands for node:test in a test file that ./runner.ts loads: a test is kept, to be run as often as there are mutants.

interface Options {
  readonly skip?: boolean | string;
}

/** Of node:test's context, what the tests of src/core use. */
interface Context {
  readonly skip: (reason?: string) => void;
}

type Body = (context: Context) => void | Promise<void>;

export interface CollectedTest {
  /** With the suites it is in. */
  readonly name: string;
  readonly body: Body;
}

const suites: string[] = [];
let tests: CollectedTest[] = [];

/** The tests of the files that were loaded since it was last called. */
export function collected(): readonly CollectedTest[] {
  const found = tests;
  tests = [];
  return found;
}

export function test(name: string, ...rest: readonly [Body] | readonly [Options, Body]): void {
  const [options, body] = rest.length === 1 ? [{}, rest[0]] : rest;
  if (options.skip === undefined || options.skip === false) tests.push({ name: [...suites, name].join(' '), body });
}

export function describe(name: string, declare: () => void): void {
  suites.push(name);
  try {
    declare();
  } finally {
    suites.pop();
  }
}

// oxlint-disable-next-line import/no-default-export -- node:test has one
export default Object.assign(test, { describe });
