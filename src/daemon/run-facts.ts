// From what an agent asks to run to what a human can decide about: everything resolved, measured and digested.

import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import type { ReferenceFacts } from '../core/disclosure.ts';
import type { Environment, OutputMode, Variable } from '../core/environment.ts';
import { Failure } from '../core/failure.ts';
import { isCodeOnCommandLine } from '../core/interpreters.ts';
import { parseDraftName, parseEnvironmentDeltaName } from '../core/names.ts';
import type { RunFacts, VariableFacts } from '../core/request.ts';
import { directoryFacts, fileFacts, operandsOf, resolveProgram } from '../machine/digest.ts';
import { ARGV_CHARACTERS_MAX, type Params } from '../wire/methods.ts';
import { searchPathOf } from './jobs.ts';
import { leadOf, unmaskableOf, type Lead } from './references.ts';
import type { Service } from './service.ts';

const TIMEOUT_SECONDS_DEFAULT = 300;

export interface RunAsk {
  readonly run: RunFacts;
  readonly stdin: Buffer | null;
  readonly outputAtMost: OutputMode;
}

/** What a run is made from: names and references, the human's search path, and the files that are only ours. */
export type RunWorld = Pick<Service, 'unlocked' | 'elsewhere' | 'ownMounts'>;

/** Throws Failure for anything that cannot be run as it is asked. Reads no value. */
export async function runAsk(
  world: RunWorld,
  params: Omit<Params<'run.start'>, 'environmentId'>,
  environment: Environment | null,
): Promise<RunAsk> {
  checkArguments(params.argv);
  const { variables, environmentFacts, output } = handedOver(world, params, environment);
  const environmentDelta = deltaOf(params.env ?? {}, variables);
  const cwdPath = await folderOf(params.cwd);
  const cwd = directoryFacts(cwdPath);
  const [command = ''] = params.argv;
  const program = await fileFacts(resolveProgram(command, searchPathOf(world.unlocked()), cwdPath));
  const operands = await operandsOf(params.argv, cwdPath, world.ownMounts);
  const stdin = params.stdin === undefined || params.stdin === '' ? null : Buffer.from(params.stdin, 'utf8');
  const run: RunFacts = {
    action: 'Run',
    ...environmentFacts,
    variables,
    argv: params.argv,
    program,
    operands,
    isCodeChosenByAgent: isCodeOnCommandLine(program.path, params.argv) || stdin !== null,
    cwd,
    environmentDelta,
    stdin: stdin === null ? null : { bytes: stdin.length, digest: createHash('sha256').update(stdin).digest('hex') },
    output: output === 'summary' ? output : (params.output ?? 'redacted'),
    timeoutSeconds: params.timeoutSeconds ?? TIMEOUT_SECONDS_DEFAULT,
  };
  // What a source gives, and what an older version stored, is judged in the runner (delivery/perform.ts).
  const outputAtMost = variables.some(({ unmaskable }) => unmaskable === 'never') ? 'summary' : 'redacted';
  return { run, stdin, outputAtMost };
}

interface HandedOver {
  readonly variables: VariableFacts[];
  readonly environmentFacts: Pick<RunFacts, 'environmentId' | 'environmentName' | 'environmentCreatedBy'>;
  readonly output: OutputMode;
}

/** What the run would get, from where, and what the environment says of its output. */
function handedOver(
  world: RunWorld,
  { variables: names, references = {} }: Pick<Params<'run.start'>, 'variables' | 'references'>,
  environment: Environment | null,
): HandedOver {
  if (environment === null) {
    const variables = referencedVariables(world, references, []).map((facts) =>
      withMaskability(world, facts, undefined),
    );
    const environmentFacts = { environmentId: null, environmentName: null, environmentCreatedBy: null };
    return { variables, environmentFacts, output: 'redacted' };
  }
  const { environmentId, name: environmentName, createdBy: environmentCreatedBy, output } = environment;
  const own = ownVariables(names, environment);
  const facts = [...variableFacts(world, environmentName, own), ...referencedVariables(world, references, own)];
  return {
    variables: facts.map((one, i) => withMaskability(world, one, own[i])),
    environmentFacts: { environmentId, environmentName, environmentCreatedBy },
    output,
  };
}

/** Variables as a human is shown them: where each comes from, and what is not secret. */
export function variableFacts(
  world: Pick<RunWorld, 'unlocked' | 'elsewhere'>,
  environmentName: string,
  variables: readonly Variable[],
): VariableFacts[] {
  return variables.map(({ name, plain, reference: text }) => {
    const source = `${environmentName}/${name}`;
    if (text === undefined) return { name, source, ...(plain === undefined ? {} : { plain }) };
    const target = lead(world, text, name);
    return { name, ...asFacts(target), source: `${source}: ${target.source}` };
  });
}

/** Variables the request itself takes from references. */
function referencedVariables(
  world: RunWorld,
  references: Readonly<Record<string, string>>,
  own: readonly Variable[],
): VariableFacts[] {
  return Object.keys(references)
    .toSorted()
    .map((name) => {
      const field = `references.${name}`;
      parseDraftName(name, field);
      if (own.some((variable) => variable.name === name)) {
        throw new Failure('input/invalid', `${name} comes from the environment already`, { field });
      }
      return { name, ...asFacts(lead(world, references[name] ?? '', field)) };
    });
}

function asFacts({ reference, source, nowhere }: Lead): ReferenceFacts {
  return { reference, source, ...(nowhere === undefined ? {} : { nowhere }) };
}

/** Whether masking hides what is handed over: a run's output is about that, a mounted file is not. */
function withMaskability(world: RunWorld, facts: VariableFacts, own: Variable | undefined): VariableFacts {
  const unmaskable = facts.reference === undefined ? ownUnmaskable(own) : lead(world, facts.reference).unmaskable;
  return unmaskable === undefined ? facts : { ...facts, unmaskable };
}

function ownUnmaskable(variable: Variable | undefined): VariableFacts['unmaskable'] {
  return variable?.concealed === true ? unmaskableOf(variable) : undefined;
}

function lead(world: Pick<RunWorld, 'unlocked' | 'elsewhere'>, text: string, field?: string): Lead {
  return leadOf(world.unlocked(), world.elsewhere, text, field);
}

function checkArguments(argv: readonly string[]): void {
  const characters = argv.reduce((sum, argument) => sum + argument.length, 0);
  if (characters > ARGV_CHARACTERS_MAX) {
    const hint = `at most ${ARGV_CHARACTERS_MAX} characters; put the code into a file`;
    throw new Failure('input/too_large', 'that command is too long for a human to read', { field: 'argv', hint });
  }
  for (const [i, argument] of argv.entries()) {
    // Arguments are public: every process can read them in /proc (attack M05).
    if (/(?:op|keystile):\/\//i.test(argument)) {
      throw new Failure('input/reference_in_argv', 'reference_in_argv: a secret reference cannot be an argument', {
        field: `argv[${i}]`,
      });
    }
    if (argument.includes('\0') || !argument.isWellFormed()) {
      throw new Failure('input/invalid', 'that argument is not text', { field: `argv[${i}]` });
    }
  }
}

function ownVariables(names: readonly string[] | undefined, environment: Environment): Variable[] {
  const wanted = names ?? environment.variables.map(({ name }) => name);
  return [...new Set(wanted)].map((name, i) => variableNamed(environment, name, i));
}

function variableNamed(environment: Environment, name: string, i: number): Variable {
  const variable = environment.variables.find((candidate) => candidate.name === name);
  const field = `variables[${i}]`;
  if (variable === undefined) throw new Failure('name/not_found', 'the environment has no such variable', { field });
  if (!variable.isSet) {
    throw new Failure('vault/value_missing', `${name} has no value yet`, {
      field,
      hint: `ask the human to run: keystile environment set ${environment.environmentId} ${name}`,
    });
  }
  return variable;
}

function deltaOf(env: Readonly<Record<string, string>>, variables: readonly VariableFacts[]): Record<string, string> {
  const delta: [string, string][] = [];
  for (const name of Object.keys(env).toSorted()) {
    const field = `env.${name}`;
    parseEnvironmentDeltaName(name, field);
    const text = env[name] ?? '';
    if (variables.some((variable) => variable.name === name)) {
      throw new Failure('input/environment_refused', `${name} comes from the vault`, { field });
    }
    if (text.includes('\0') || !text.isWellFormed()) throw new Failure('input/invalid', 'that is not text', { field });
    delta.push([name, text]);
  }
  return Object.fromEntries(delta);
}

async function folderOf(path: string): Promise<string> {
  if (!isAbsolute(path)) throw new Failure('input/invalid', 'the folder must be an absolute path', { field: 'cwd' });
  try {
    return await realpath(path);
  } catch {
    throw new Failure('input/invalid', 'there is no such folder', { field: 'cwd' });
  }
}
