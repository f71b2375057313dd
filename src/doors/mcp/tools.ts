// The table of everything an agent can do: names and arguments as CONTRACT lists them, one row a tool. Each row says how
// its arguments become one call to the daemon. I4: no row has a result that could hold a concealed value.

import { resolve } from 'node:path';
import type { ToolAnnotations } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { VALUE_BYTES_MAX, VARIABLES_MAX } from '../../core/environment.ts';
import { NAME_LENGTH_MAX, parseTitle } from '../../core/names.ts';
import { ownAccount } from './account.ts';
import { checkRun, draftsOf } from './arguments.ts';
import type { Authority } from './link.ts';
import {
  answerSchema,
  environmentsSchema,
  filesSchema,
  grantsSchema,
  redactionsSchema,
  variablesSchema,
} from './results.ts';

/** The limits of the wire table, which the daemon checks again. Written here so that its zod schemas are not loaded. */
const ARGV_MAX = 4_096;
const PATH_CHARACTERS_MAX = 4_096;
const ARGV_CHARACTERS_MAX = 8 * 1024;
const STDIN_CHARACTERS_MAX = 64 * 1024;
const REASON_CHARACTERS_MAX = 1_000;
const WAIT_SECONDS_MAX = 45;
const TIMEOUT_SECONDS_MAX = 3_600;

export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly annotations: ToolAnnotations;
  readonly input: z.ZodType;
  readonly output: z.ZodType;
  /** Gives back the daemon's answer as it came. Throws Failures; the arguments have passed `input`. */
  call(authority: Authority, args: unknown, signal: AbortSignal): Promise<object>;
}

interface Row<I extends z.ZodType> extends Omit<Tool, 'input' | 'call'> {
  readonly input: I;
  call(authority: Authority, args: z.infer<I>, signal: AbortSignal): Promise<object>;
}

/** Ties the type of a row's arguments to its own schema. */
function row<I extends z.ZodType>(tool: Row<I>): Tool {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- serve.ts calls a row with what its own input parsed
  return { ...tool, call: (authority, args, signal) => tool.call(authority, args as z.infer<I>, signal) };
}

const read = { readOnlyHint: true, destructiveHint: false, openWorldHint: false };
const write = { readOnlyHint: false, destructiveHint: false, openWorldHint: false };
const destructive = { readOnlyHint: false, destructiveHint: true, openWorldHint: false };

/** Schemas are made where they are needed, not when this file is loaded: a client first wants to hear from us at all. */
const text = (max: number) => z.string().max(max);
const id = () => text(64);
const title = () => text(NAME_LENGTH_MAX);

const variableArguments = () =>
  z
    .array(
      z.strictObject({
        name: title(),
        concealed: z.boolean().optional().describe('default true'),
        reference: text(1024).optional().describe('op://vault/item/field'),
        generate: text(16).optional().describe('hex:32, base64:32, password:24 or uuid'),
        value: text(VALUE_BYTES_MAX).optional().describe('never a secret; only with concealed false'),
      }),
    )
    .max(VARIABLES_MAX);

/** Built at the first use, once: a client that never calls a tool does not pay for them twice. */
let built: readonly Tool[] | null = null;

export function tools(): readonly Tool[] {
  built ??= [
    authenticate(),
    ...environmentTools(),
    ...variableTools(),
    ...fileTools(),
    run(),
    ...requests(),
    accessStatus(),
  ];
  return built;
}

function authenticate(): Tool {
  return row({
    name: 'authenticate',
    description: 'Asks the human to admit you. Lasts until your process ends. Optional: any call asks when needed.',
    annotations: write,
    input: z.strictObject({}),
    output: answerSchema({ accountId: z.string(), agentId: z.string(), locked: z.boolean() }),
    call: (authority, _args, signal) => authority.call('authenticate', {}, signal),
  });
}

function accessStatus(): Tool {
  return row({
    name: 'access_status',
    description: 'Whether the vault is locked, whether you are admitted, and what you may do without asking again.',
    annotations: read,
    input: z.strictObject({}),
    output: answerSchema({
      locked: z.boolean(),
      agentId: z.string(),
      admitted: z.boolean(),
      grants: grantsSchema(),
      mounts: filesSchema(),
      policy: z.looseObject({}),
    }),
    call: (authority, _args, signal) => authority.call('access.status', {}, signal),
  });
}

function environmentTools(): Tool[] {
  return [
    row({
      name: 'list_environments',
      description: 'Lists the environments, which are named sets of variables.',
      annotations: read,
      input: z.strictObject({ accountId: id().optional() }),
      output: answerSchema({ environments: environmentsSchema() }),
      call: async (authority, { accountId }, signal) =>
        (await ownAccount(authority, accountId, signal)) ?? authority.call('environments.list', {}, signal),
    }),
    row({
      name: 'create_environment',
      description: 'Creates an environment, and declares variables in it as append_variables does.',
      annotations: write,
      input: z.strictObject({
        environmentName: title(),
        variables: variableArguments().optional(),
        accountId: id().optional(),
      }),
      output: answerSchema({ environmentId: z.string() }),
      call: async (authority, { environmentName, variables, accountId }, signal) => {
        const name = { environmentName: parseTitle(environmentName, 'environmentName') };
        const params = variables === undefined ? name : { ...name, drafts: draftsOf(variables) };
        return (
          (await ownAccount(authority, accountId, signal)) ?? authority.call('environments.create', params, signal)
        );
      },
    }),
    row({
      name: 'rename_environment',
      description: 'Renames an environment. Its id stays.',
      annotations: write,
      input: z.strictObject({ environmentId: id(), environmentName: title() }),
      output: answerSchema({}),
      call: (authority, { environmentId, environmentName }, signal) => {
        const name = parseTitle(environmentName, 'environmentName');
        return authority.call('environments.rename', { environmentId, environmentName: name }, signal);
      },
    }),
  ];
}

function variableTools(): Tool[] {
  return [
    row({
      name: 'list_variables',
      description:
        'Lists the variables of an environment: names and kinds, never values. "missing" waits for the human.',
      annotations: read,
      input: z.strictObject({ environmentId: id() }),
      output: answerSchema({ variableNames: z.array(z.string()), variables: variablesSchema() }),
      call: (authority, args, signal) => authority.call('variables.list', args, signal),
    }),
    row({
      name: 'append_variables',
      description:
        'Declares variables. With only a name, the human fills in the value. "generate" makes one nobody sees. ' +
        'Never send a secret: it is refused.',
      annotations: write,
      input: z.strictObject({ environmentId: id(), variables: variableArguments().min(1) }),
      output: answerSchema({ missing: z.array(z.string()) }),
      call: (authority, { environmentId, variables }, signal) =>
        authority.call('variables.append', { environmentId, drafts: draftsOf(variables) }, signal),
    }),
    row({
      name: 'remove_variables',
      description: 'Removes variables and their values for good.',
      annotations: destructive,
      input: z.strictObject({ environmentId: id(), names: z.array(title()).min(1).max(VARIABLES_MAX) }),
      output: answerSchema({}),
      call: (authority, args, signal) => authority.call('variables.remove', args, signal),
    }),
  ];
}

const mountPath = () => text(PATH_CHARACTERS_MAX).describe('absolute');

function fileTools(): Tool[] {
  return [
    row({
      name: 'create_local_env_file',
      description:
        'Mounts an environment as a file such as .env. It holds the values only while a program reads it that the human ' +
        'approved: start the program, the human is asked. You cannot read it yourself.',
      annotations: write,
      input: z.strictObject({ environmentId: id(), mountPath: mountPath(), environmentName: title().optional() }),
      output: answerSchema({ mountPath: z.string() }),
      call: (authority, args, signal) =>
        authority.call('mounts.create', { environmentId: args.environmentId, path: args.mountPath }, signal),
    }),
    row({
      name: 'list_local_env_files',
      description: 'Lists mounted files and whether each works.',
      annotations: read,
      input: z.strictObject({ environmentId: id().optional() }),
      output: answerSchema({ files: filesSchema() }),
      call: (authority, args, signal) => authority.call('mounts.list', withoutUndefined(args), signal),
    }),
    row({
      name: 'remove_local_env_file',
      description: 'Takes a mounted file away. The values stay in the vault.',
      annotations: destructive,
      input: z.strictObject({ mountPath: mountPath() }),
      output: answerSchema({}),
      call: (authority, args, signal) => authority.call('mounts.remove', { path: args.mountPath }, signal),
    }),
    row({
      name: 'import_env_file',
      description:
        'Takes the variables of an existing .env into an environment, without you reading it, and mounts it in the place ' +
        'of the file (mount: false leaves the file).',
      annotations: write,
      input: z.strictObject({
        path: mountPath(),
        environmentName: title(),
        mount: z.boolean().optional(),
      }),
      output: answerSchema({ environmentId: z.string(), variableNames: z.array(z.string()) }),
      call: (authority, { path, environmentName, mount = true }, signal) => {
        const name = parseTitle(environmentName, 'environmentName');
        return authority.call('environments.import', { path, environmentName: name, mounts: mount }, signal);
      },
    }),
  ];
}

function run(): Tool {
  return row({
    name: 'run_with_credentials',
    description:
      'Runs a command, outside your sandbox, with variables of an environment in its own environment. The human sees ' +
      'and approves exactly this. Secrets in the output are masked. No shell is added: argv is the program and its arguments.',
    annotations: { ...destructive, openWorldHint: true },
    input: z.strictObject({
      environmentId: id().optional(),
      variables: z.array(title()).max(VARIABLES_MAX).optional().describe('names to hand over; default all'),
      references: z.record(title(), text(1024)).optional().describe('{"NAME":"op://vault/item/field"}'),
      argv: z.array(text(ARGV_CHARACTERS_MAX)).min(1).max(ARGV_MAX).describe('never a secret or op:// reference'),
      cwd: text(4096).optional().describe('default: the project'),
      reason: text(REASON_CHARACTERS_MAX).describe('one sentence for the human'),
      timeoutSeconds: z.int().min(1).max(TIMEOUT_SECONDS_MAX).optional(),
      output: z
        .enum(['redacted', 'summary'])
        .optional()
        .describe('summary: exit code and line counts; the human may release the rest'),
      env: z
        .record(title(), text(32 * 1024))
        .optional()
        .describe('other variables, not secret'),
      stdin: text(STDIN_CHARACTERS_MAX).optional(),
    }),
    output: answerSchema({
      runId: z.string(),
      exitCode: z.number().nullable(),
      signal: z.string().nullable(),
      timedOut: z.boolean(),
      durationMs: z.number(),
      outputMode: z.string(),
      truncated: z.boolean(),
      confidence: z.string(),
      redactions: redactionsSchema(),
      withheldFor: z.array(z.string()).optional(),
      stdoutLines: z.number(),
      stderrLines: z.number(),
      stderr: z.string(),
      stdout: z.string(),
    }),
    call: (authority, args, signal) => {
      checkRun(args);
      // Relative to the project: both clients start the server there.
      const cwd = resolve(process.cwd(), args.cwd ?? '.');
      return authority.call('run.start', withoutUndefined({ ...args, cwd }), signal);
    },
  });
}

function requests(): Tool[] {
  return [
    row({
      name: 'check_request',
      description: 'What became of a pending request: its result, once there is one. Waits up to waitSeconds.',
      annotations: read,
      input: z.strictObject({ requestId: id(), waitSeconds: z.int().min(0).max(WAIT_SECONDS_MAX).optional() }),
      output: answerSchema({}, 'with the members of what was asked'),
      call: (authority, args, signal) => authority.call('requests.check', withoutUndefined(args), signal),
    }),
    row({
      name: 'cancel_request',
      description: 'Withdraws a pending request, or stops the run it became.',
      annotations: { ...write, idempotentHint: true },
      input: z.strictObject({ requestId: id() }),
      output: answerSchema({}),
      call: (authority, args, signal) => authority.call('requests.cancel', args, signal),
    }),
  ];
}

type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** zod types an absent member as `undefined`; on the wire it is not there. */
function withoutUndefined<T extends object>(args: T): Given<T> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- exactly the members that are undefined are gone
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined)) as Given<T>;
}
