// Environments and their variables. A value comes from the terminal or standard input, never from an argument.

import { EXIT, type ExitCode, type Failure } from '../../core/failure.ts';
import { maskabilityOf } from '../../core/maskability.ts';
import { parseVariableName } from '../../core/names.ts';
import { parseRecipe, RECIPE_WORD } from '../../core/recipe.ts';
import type { Connection } from '../../wire/client.ts';
import type { Params } from '../../wire/methods.ts';
import type { EnvironmentView } from '../../wire/views.ts';
import { usage, type Call, type Command } from './command.ts';
import { counted, table } from './output.ts';
import { kindOf, maskedBadge, UNMASKABLE_FLAG, unmaskableLines } from './unmaskable.ts';

const RECIPE_DEFAULT = 'hex:32';
const SOURCES = ['value-stdin', 'reference', 'generate', 'plain'] as const;

type ValueSource = Params<'environment.set'>['source'];
type Variable = EnvironmentView['variables'][number];

const ENV = { name: 'ENV', names: 'environment' } as const;
const NAME = { name: 'NAME' } as const;

export const ENVIRONMENT_COMMANDS: readonly Command[] = [
  {
    path: ['environment', 'create'],
    args: [NAME],
    help: 'make an empty environment',
    example: 'keystile environment create staging',
    run: async (call) => {
      const name = call.argument('NAME');
      const { result } = await (await call.daemon()).call('environment.create', { name });
      call.output.answer(result, () => [`made environment ${name} (${result.environmentId})`]);
      return EXIT.done;
    },
  },
  {
    path: ['environment', 'list'],
    help: 'list the environments',
    example: 'keystile environment list --format json',
    run: async (call) => {
      const { result } = await (await call.daemon()).call('environment.list', {});
      call.output.answer(result, () => environmentTable(result.environments));
      return EXIT.done;
    },
  },
  {
    path: ['environment', 'show'],
    args: [ENV],
    help: 'show the names of the variables, their kinds, and whether each is set; never a value',
    example: 'keystile environment show staging',
    run: async (call) => {
      const { result } = await (await call.daemon()).call('environment.show', { environment: call.argument('ENV') });
      call.output.answer(result, () => environmentLines(result.environment));
      return EXIT.done;
    },
  },
  {
    path: ['environment', 'rename'],
    args: [ENV, NAME],
    help: 'give an environment another name',
    example: 'keystile environment rename staging staging-eu',
    run: async (call) => {
      const [environment, name] = [call.argument('ENV'), call.argument('NAME')];
      const { result } = await (await call.daemon()).call('environment.rename', { environment, name });
      return done(call, result, `renamed ${environment} to ${name}`);
    },
  },
  {
    path: ['environment', 'delete'],
    args: [ENV],
    help: 'delete an environment and its values; its grants and runs end',
    example: 'keystile environment delete staging',
    run: async (call) => {
      const environment = call.argument('ENV');
      const daemon = await call.daemon();
      const { result: found } = await daemon.call('environment.show', { environment });
      const count = counted(found.environment.variables.length, 'variable');
      await call.human.confirmLoss(`Delete ${found.environment.name} with ${count}?`);
      const { result } = await daemon.call('environment.delete', { environment });
      return done(call, result, `deleted ${environment}`);
    },
  },
  {
    path: ['environment', 'set'],
    args: [ENV, NAME],
    flags: {
      'value-stdin': { help: 'take standard input, byte for byte less one final newline' },
      reference: { value: 'REFERENCE', help: 'take the value from op://vault/item/field when it is needed' },
      generate: {
        value: 'RECIPE',
        optional: { accepts: RECIPE_WORD, default: RECIPE_DEFAULT },
        help: `make a value nobody has seen: hex:32, base64:32, password:24, letters,digits,symbols,32 or uuid; ${RECIPE_DEFAULT} when none is named`,
      },
      plain: { value: 'VALUE', takesEmpty: true, help: 'a value that is not secret and may be shown' },
      unmaskable: UNMASKABLE_FLAG,
    },
    exclusive: [SOURCES],
    help: 'set a variable; the value is typed at the terminal and not shown',
    details:
      'A value is never an argument: arguments are visible to every program of this machine. With --passphrase-stdin\n' +
      'and --value-stdin together the first line is the passphrase and the rest the value. Masking cannot hide a value that\n' +
      'is short, common or easily guessed.',
    example:
      'keystile environment set staging DATABASE_URL\ngh auth token | keystile environment set ci GH_TOKEN --value-stdin',
    refuseExtra: refuseValueArgument,
    run: set,
  },
  {
    path: ['environment', 'unset'],
    args: [ENV, NAME],
    help: 'remove a variable and its value',
    example: 'keystile environment unset staging DATABASE_URL',
    run: async (call) => {
      const [environment, name] = [call.argument('ENV'), call.argument('NAME')];
      const { result } = await (await call.daemon()).call('environment.unset', { environment, name });
      return done(call, result, `removed ${name} from ${environment}`);
    },
  },
  {
    path: ['environment', 'set-output'],
    args: [ENV, { name: 'MODE', choices: ['redacted', 'summary'] }],
    help: 'choose what runs with this environment give back to the agent',
    details: 'redacted: output with known forms of the values masked. summary: exit code and line counts only.',
    example: 'keystile environment set-output production summary',
    run: async (call) => {
      const environment = call.argument('ENV');
      const output = call.argument('MODE') === 'summary' ? 'summary' : 'redacted';
      const { result } = await (await call.daemon()).call('environment.set_output', { environment, output });
      return done(call, result, `runs with ${environment} give back: ${output}`);
    },
  },
];

function environmentTable(environments: readonly EnvironmentView[]): string[] {
  const rows = environments.map(({ name, environmentId, variables, output, createdBy }) => [
    name,
    environmentId,
    String(variables.length),
    maskedCount(variables),
    output,
    createdBy ?? 'you',
  ]);
  const none = 'no environments; make one with: keystile environment create NAME';
  return table(['NAME', 'ID', 'VARIABLES', 'MASKED', 'OUTPUT', 'MADE BY'], rows, none);
}

function maskedCount(variables: readonly Variable[]): string {
  const concealed = variables.filter((one) => one.concealed && one.maskable !== undefined);
  if (concealed.length === 0) return '-';
  const count = concealed.filter(({ maskable }) => maskable === false).length;
  return count === 0 ? 'yes' : `all but ${count}`;
}

function environmentLines(environment: EnvironmentView): string[] {
  const { name, environmentId, output, createdBy, variables } = environment;
  const by = createdBy === null ? 'you' : `agent ${createdBy}`;
  const rows = variables.map((variable) => [
    variable.name,
    // The word of the documents: a value of yours that is not shown.
    variable.kind === 'literal' ? 'concealed' : variable.kind,
    variable.isSet ? 'yes' : 'no',
    badge(variable),
    note(variable),
  ]);
  const none = `no variables; set one with: keystile environment set ${name} NAME`;
  return [
    `${name} (${environmentId}), ${counted(variables.length, 'variable')}, output ${output}, made by ${by}`,
    ...table(['NAME', 'KIND', 'SET', 'MASKED', 'NOTE'], rows, none),
  ];
}

function note(variable: Variable): string {
  if (variable.reference !== undefined) return variable.reference;
  if (variable.kind === 'missing') return 'waits for a value from you';
  return variable.maskable === false ? 'its runs give agents a summary' : '';
}

/** Plain values are not hidden; of a reference it is known once it is read, and below an agent it is not said. */
function badge(variable: Variable): string {
  if (!variable.concealed) return 'no: plain';
  if (variable.kind === 'reference') return 'when read';
  return !variable.isSet || variable.maskable === undefined ? '-' : maskedBadge(variable);
}

async function set(call: Call): Promise<ExitCode> {
  const [environment, name] = [call.argument('ENV'), call.argument('NAME')];
  const source = valueSource(call);
  const daemon = await call.daemon();
  if (source.kind === 'value') return await setSecret(call, daemon, { environment, name, source });
  const isAsked = await setWithoutValue(daemon, { environment, name, source });
  if (source.kind === 'generate') await noteWeakRecipe(call, daemon, environment, name);
  return done(call, { environment, name, ...(isAsked && { asked: true }) }, `set ${name} in ${environment}`);
}

/** Eight random digits may be a date. */
async function noteWeakRecipe(call: Call, daemon: Connection, environment: string, name: string): Promise<void> {
  const { variables } = (await daemon.call('environment.show', { environment })).result.environment;
  const made = variables.filter((variable) => variable.name === name && variable.maskable === false);
  for (const line of unmaskableLines(made.map((variable) => variable.name))) call.output.note(`keystile: ${line}`);
}

async function setWithoutValue(daemon: Connection, params: Params<'environment.set'>): Promise<boolean> {
  const { result } = await daemon.call('environment.set', params);
  return result.asked === true;
}

async function setSecret(call: Call, daemon: Connection, params: Params<'environment.set'>): Promise<ExitCode> {
  // Before anything is typed: a name that cannot be, an environment that is not there, or a locked vault.
  parseVariableName(params.name);
  await daemon.call('environment.show', { environment: params.environment });
  const isTyped = !call.has('value-stdin');
  return await call.human.withValue(`${params.name} (not shown)`, !isTyped, async (value) => {
    const { environment, name } = params;
    const kind = await kindOf(call, { name, value, isTyped, mayBePlain: true });
    const said = { environment, name, kind, maskability: maskabilityOf(value) };
    if (kind === 'plain') {
      const source = { kind, value: value.toString('utf8') } as const;
      const isAsked = await setWithoutValue(daemon, { ...params, source });
      return done(call, { ...said, ...(isAsked && { asked: true }) }, `set ${name} in ${environment}, in the open`);
    }
    await daemon.call('environment.set', params, { parts: [value] });
    return done(call, said, `set ${name} in ${environment}`);
  });
}

function valueSource(call: Call): ValueSource {
  const reference = call.flag('reference');
  if (reference !== undefined) return { kind: 'reference', reference };
  const recipe = call.flag('generate');
  if (recipe !== undefined) return { kind: 'generate', recipe: parseRecipe(recipe) };
  const plain = call.flag('plain');
  return plain === undefined ? { kind: 'value' } : { kind: 'plain', value: plain };
}

function refuseValueArgument(): Failure {
  return usage(
    'a value cannot be an argument, because arguments are visible to every program of this machine',
    'leave it out and type it when asked, or use --value-stdin; --plain VALUE is for what is not secret',
  );
}

/** A change made by a process under an agent was asked first, and the human said yes. */
function done(call: Call, result: object, text: string): ExitCode {
  const isAsked = 'asked' in result && result.asked === true;
  call.output.answer(result, () => [isAsked ? `${text}, as you approved` : text]);
  return EXIT.done;
}
