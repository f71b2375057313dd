// What a tool was given, checked once: shape, size, characters, and the two rules no agent may bend. A concealed value
// never comes in (I4), and no secret is named on a command line.

import type { z } from 'zod';
import type { VariableDraft } from '../../core/environment.ts';
import { Failure } from '../../core/failure.ts';
import { parseDraftName, parseEnvironmentDeltaName, parseVariableName } from '../../core/names.ts';
import { looksLikeSecret } from '../../core/plain-values.ts';
import { parseRecipe } from '../../core/recipe.ts';
import { parseReference } from '../../core/reference.ts';

/** More members and elements than this are not looked at (I8). The longest list a tool takes is an argv of 4,096. */
const ELEMENTS_MAX = 20_000;

const REFERENCE = /^(?:op|keystile):\/\//;
/** Anywhere in an argument, as in `--password=op://…`, in any case; `shop://` is something else. */
const REFERENCE_INSIDE = /(?<![A-Za-z0-9+.-])(?:op|keystile):\/\//i;

/** One variable as `append_variables` and `create_environment` take it. */
export interface VariableArgument {
  readonly name: string;
  readonly concealed?: boolean | undefined;
  readonly reference?: string | undefined;
  readonly generate?: string | undefined;
  readonly value?: string | undefined;
}

/** The arguments as the schema describes them. Throws `input/invalid` and `input/too_large`, naming the field only. */
export function parseArguments<T>(schema: z.ZodType<T>, given: unknown): T {
  checkCharacters(given, '', { left: ELEMENTS_MAX });
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path =
    issue === undefined ? '' : fieldOf(issue.path.map((step) => (typeof step === 'number' ? step : String(step))));
  if (issue?.code === 'unrecognized_keys') {
    const unknown = shown(issue.keys[0] ?? '');
    const field = path === '' ? unknown : `${path}.${unknown}`;
    throw new Failure('input/invalid', `there is no argument ${field}`, { field, hint: 'leave it out' });
  }
  const isSize = issue?.code === 'too_big';
  throw new Failure(isSize ? 'input/too_large' : 'input/invalid', `${path || 'the input'}: ${issue?.message ?? ''}`, {
    field: path,
  });
}

/** NUL ends a string for the system, and half a surrogate pair has no bytes: both would change on the way. */
function checkCharacters(value: unknown, path: string, count: { left: number }): void {
  count.left -= 1;
  if (count.left < 0) {
    throw new Failure('input/too_large', `more than ${ELEMENTS_MAX} elements`, { field: path.split(/[.[]/)[0] ?? '' });
  }
  if (typeof value === 'string') {
    if (!value.includes('\0') && value.isWellFormed()) return;
    throw new Failure('input/invalid', `${path}: a character that cannot be passed on`, { field: path });
  }
  if (Array.isArray(value)) for (const [at, item] of value.entries()) checkCharacters(item, `${path}[${at}]`, count);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) checkCharacters(member, join(path, shown(key)), count);
  }
}

function fieldOf(path: readonly (string | number)[]): string {
  return path.reduce<string>((at, step) => (typeof step === 'number' ? `${at}[${step}]` : join(at, shown(step))), '');
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** A name the agent made up, short and in printable ASCII. */
function shown(key: string): string {
  return key.slice(0, 60).replace(/[^\x21-\x7e]/g, '?');
}

/** What an agent asks for, as the daemon takes it. Throws `input/…` and `name/invalid`; never repeats a value. */
export function draftsOf(variables: readonly VariableArgument[]): VariableDraft[] {
  const names = new Set<string>();
  return variables.map((variable, at) => {
    const field = `variables[${at}]`;
    const name = parseVariableName(variable.name, `${field}.name`);
    if (names.has(name)) throw new Failure('input/invalid', `${name} is there twice`, { field: `${field}.name` });
    names.add(name);
    return draftOf({ ...variable, name }, field);
  });
}

function draftOf(variable: VariableArgument, field: string): VariableDraft {
  const { name, concealed, reference, generate, value } = variable;
  if ([reference, generate, value].filter((source) => source !== undefined).length > 1) {
    throw new Failure('input/invalid', `${name}: give one of reference, generate and value`, { field });
  }
  if (value !== undefined) return { name, kind: 'plain', value: plainValue(name, concealed, value, `${field}.value`) };
  if (concealed === false) {
    throw new Failure('input/invalid', `${name}: only a variable with a plain value is not concealed`, {
      field: `${field}.concealed`,
    });
  }
  if (generate !== undefined) return { name, kind: 'generated', recipe: parseRecipe(generate, `${field}.generate`) };
  if (reference === undefined) return { name, kind: 'missing' };
  parseReference(reference, `${field}.reference`);
  return { name, kind: 'reference', reference };
}

/** I4: a concealed value is refused here, before anything has seen it but this function. */
function plainValue(name: string, concealed: boolean | undefined, value: string, field: string): string {
  const hint = `call again with only {"name":"${name}"}; the human then types the value with: keystile environment set`;
  if (concealed !== false) {
    throw new Failure('input/value_refused', 'no tool takes a secret value; it was not kept', { field, hint });
  }
  if (looksLikeSecret(name, value)) {
    throw new Failure('input/looks_secret', 'that looks like a secret; it was not kept', { field, hint });
  }
  return value;
}

/** Refuses references where nothing would resolve them, and what is none where one belongs. */
export function checkRun(run: {
  readonly argv: readonly string[];
  readonly env?: Record<string, string> | undefined;
  readonly references?: Record<string, string> | undefined;
}): void {
  const at = run.argv.findIndex((argument) => REFERENCE_INSIDE.test(argument));
  if (at !== -1) {
    throw new Failure('input/reference_in_argv', 'reference_in_argv: a command line can be read by every process', {
      field: `argv[${at}]`,
      hint: 'give it in references as {"NAME": "op://…"}, and let the program read NAME from its environment',
    });
  }
  for (const [name, reference] of Object.entries(run.references ?? {})) {
    const field = `references.${shown(name)}`;
    parseDraftName(name, field);
    parseReference(reference, field);
  }
  for (const [name, value] of Object.entries(run.env ?? {})) {
    const field = `env.${shown(name)}`;
    parseEnvironmentDeltaName(name, field);
    if (REFERENCE.test(value)) {
      throw new Failure('input/reference_unsupported', 'a reference in env is not resolved', { field });
    }
  }
}
