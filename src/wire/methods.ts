// The table of everything that may be said to the authority: on which socket, under what conditions, in what shape.
// The permission stands beside the method, so that no handler has to remember its own check. Explained in docs/protocol.md.
// I4: no row of the agent's socket has a parameter or a result that could hold a concealed value.

import * as z from 'zod';
import { REFERENCE_CHARACTERS_MAX, REFERENCES_MAX } from '../core/disclosure.ts';
import { VALUE_BYTES_MAX, VARIABLES_MAX } from '../core/environment.ts';
import type { RecordedEvent } from '../core/event.ts';
import { NAME_LENGTH_MAX } from '../core/names.ts';
import { CHARACTER_CLASSES } from '../core/recipe.ts';
import type { RunAnswer, Status } from '../core/request.ts';
import { itemParams, type ItemResults } from './item-shapes.ts';
import type {
  AgentAnswer,
  AgentView,
  Check,
  EnvironmentView,
  GrantView,
  HeldView,
  LeaseView,
  LocalFileView,
  MountView,
  NoticeView,
  RequestView,
  RevokeView,
  StatusView,
  ValueView,
  VariableView,
  VerifyView,
} from './views.ts';

/** Seconds a call waits for the human before it answers `approval_pending` (CONTRACT: below every client's own limit). */
export const WAIT_SECONDS_MAX = 45;
export const ARGV_MAX = 4_096;
/** More characters than this cannot be shown to a human who then knows what he approves (attack A04). */
export const ARGV_CHARACTERS_MAX = 8 * 1024;
export const STDIN_CHARACTERS_MAX = 64 * 1024;
export const ENVIRONMENTS_AT_ONCE_MAX = 50;
export const REASON_CHARACTERS_MAX = 1_000;

const text = (max: number) => z.string().max(max);
const title = text(NAME_LENGTH_MAX);
const id = text(64);
const nothing = z.strictObject({});
/** As many as an environment has variables: each is looked up before anybody is asked (I8). */
const few = <T extends z.ZodRecord>(record: T): T =>
  record.refine((members) => Object.keys(members).length <= VARIABLES_MAX, `has more than ${VARIABLES_MAX} members`);

export const recipeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['hex', 'base64']), bytes: z.int().min(8).max(1024) }),
  z.strictObject({ kind: z.literal('password'), characters: z.int().min(8).max(1024) }),
  z.strictObject({
    kind: z.literal('mixed'),
    characters: z.int().min(8).max(1024),
    classes: z.array(z.enum(CHARACTER_CLASSES)).min(1).max(CHARACTER_CLASSES.length).readonly(),
  }),
  z.strictObject({ kind: z.literal('uuid') }),
]);

const draftSchema = z.discriminatedUnion('kind', [
  z.strictObject({ name: title, kind: z.literal('missing') }),
  z.strictObject({ name: title, kind: z.literal('reference'), reference: text(1024) }),
  z.strictObject({ name: title, kind: z.literal('generated'), recipe: recipeSchema }),
  z.strictObject({ name: title, kind: z.literal('plain'), value: text(VALUE_BYTES_MAX) }),
]);

const itemShapes = itemParams(recipeSchema);
const drafts = z.array(draftSchema).max(VARIABLES_MAX);
const outputMode = z.enum(['redacted', 'summary']);
const path = text(4096);
const backend = z.enum(['auto', 'fuse', 'fifo', 'file']);

const lifeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('once') }),
  z.strictObject({ kind: z.literal('minutes'), minutes: z.int().min(1).max(720) }),
  z.strictObject({ kind: z.literal('until_lock') }),
]);

/** How `environment set` gets its value; with `value` the bytes travel as a part of the frame, never in JSON. */
const valueSourceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('value') }),
  z.strictObject({ kind: z.literal('plain'), value: text(VALUE_BYTES_MAX) }),
  z.strictObject({ kind: z.literal('reference'), reference: text(1024) }),
  z.strictObject({ kind: z.literal('generate'), recipe: recipeSchema }),
]);

export type SocketName = 'agent' | 'control';

interface Row {
  readonly socket: SocketName;
  /** Whether the vault has to be unlocked before the handler runs. */
  readonly needsUnlocked: boolean;
  /**
   * The human factor. `before`: the first part of the frame is the passphrase, checked before the handler runs (a watch
   * session on the same connection stands in for it). `handler`: the handler itself consumes it. `never`: none.
   */
  readonly human: 'never' | 'before' | 'handler';
  /** What happens when a coding agent is among the caller's ancestors. `ask`: it becomes a request for the human. */
  readonly underAgent: 'allow' | 'ask' | 'refuse';
  /** The most parts (byte strings beside the JSON) a frame of this method may carry. */
  readonly partsMax: number;
  readonly params: z.ZodType;
}

const agentRow = { socket: 'agent', needsUnlocked: false, human: 'never', underAgent: 'allow', partsMax: 0 } as const;
const controlRow = {
  socket: 'control',
  needsUnlocked: false,
  human: 'never',
  underAgent: 'allow',
  partsMax: 0,
} as const;
const unlockedRow = { ...controlRow, needsUnlocked: true } as const;
const changeRow = { ...unlockedRow, underAgent: 'ask' } as const;
const humanRow = { ...unlockedRow, human: 'before', partsMax: 1 } as const;
/** Items and their titles are the human's own: a process under an agent does not see them either. */
const itemRow = { ...unlockedRow, underAgent: 'refuse' } as const;
const itemHumanRow = { ...humanRow, underAgent: 'refuse' } as const;

export const METHODS = {
  // --- agent.sock -----------------------------------------------------------------------------------------------
  authenticate: { ...agentRow, params: nothing },
  'access.status': { ...agentRow, params: nothing },
  'environments.list': { ...agentRow, params: nothing },
  'environments.create': { ...agentRow, params: z.strictObject({ environmentName: title, drafts: drafts.optional() }) },
  'environments.rename': { ...agentRow, params: z.strictObject({ environmentId: id, environmentName: title }) },
  'variables.list': { ...agentRow, params: z.strictObject({ environmentId: id }) },
  'variables.append': { ...agentRow, params: z.strictObject({ environmentId: id, drafts: drafts.min(1) }) },
  'variables.remove': {
    ...agentRow,
    params: z.strictObject({ environmentId: id, names: z.array(title).min(1).max(VARIABLES_MAX) }),
  },
  'run.start': {
    ...agentRow,
    params: z.strictObject({
      environmentId: id.optional(),
      variables: z.array(title).max(VARIABLES_MAX).optional(),
      references: few(z.record(title, text(1024))).optional(),
      argv: z.array(text(ARGV_CHARACTERS_MAX)).min(1).max(ARGV_MAX),
      cwd: text(4096),
      reason: text(REASON_CHARACTERS_MAX),
      timeoutSeconds: z.int().min(1).max(3600).optional(),
      output: outputMode.optional(),
      env: few(z.record(title, text(32 * 1024))).optional(),
      stdin: text(STDIN_CHARACTERS_MAX).optional(),
    }),
  },
  'mounts.create': { ...agentRow, params: z.strictObject({ environmentId: id, path }) },
  'mounts.list': { ...agentRow, params: z.strictObject({ environmentId: id.optional() }) },
  'mounts.remove': { ...agentRow, params: z.strictObject({ path }) },
  'environments.import': {
    ...agentRow,
    params: z.strictObject({ path, environmentName: title, mounts: z.boolean() }),
  },
  'requests.check': {
    ...agentRow,
    params: z.strictObject({ requestId: id, waitSeconds: z.int().min(0).max(WAIT_SECONDS_MAX).optional() }),
  },
  'requests.cancel': { ...agentRow, params: z.strictObject({ requestId: id }) },

  // --- control.sock ---------------------------------------------------------------------------------------------
  status: { ...controlRow, params: nothing },
  doctor: { ...controlRow, params: nothing },
  'daemon.stop': { ...controlRow, params: nothing },
  /** Parts: passphrase. Answers with the recovery key as a part when one was asked for. */
  'vault.init': {
    ...controlRow,
    human: 'handler',
    partsMax: 1,
    params: z.strictObject({ searchPath: z.array(text(4096)).max(200), wantsRecoveryKey: z.boolean() }),
  },
  'vault.unlock': { ...controlRow, human: 'handler', partsMax: 1, params: nothing },
  'vault.lock': { ...controlRow, params: nothing },
  /** Parts: recovery key, new passphrase. */
  'vault.recover': { ...controlRow, human: 'handler', partsMax: 2, params: nothing },
  /** Parts: passphrase. Answers with the recovery key as a part; an older kit stops working. */
  'vault.recovery_key': { ...humanRow, params: nothing },

  'environment.list': { ...unlockedRow, params: nothing },
  'environment.show': { ...unlockedRow, params: z.strictObject({ environment: title }) },
  'environment.create': { ...changeRow, params: z.strictObject({ name: title }) },
  'environment.rename': { ...changeRow, params: z.strictObject({ environment: title, name: title }) },
  'environment.delete': { ...unlockedRow, underAgent: 'refuse', params: z.strictObject({ environment: title }) },
  'environment.set_output': {
    ...unlockedRow,
    underAgent: 'refuse',
    params: z.strictObject({ environment: title, output: outputMode }),
  },
  /** Parts: the value, for a source of kind `value`. */
  'environment.set': {
    ...changeRow,
    partsMax: 1,
    params: z.strictObject({ environment: title, name: title, source: valueSourceSchema }),
  },
  'environment.unset': { ...changeRow, params: z.strictObject({ environment: title, name: title }) },

  'collection.list': { ...itemRow, params: nothing },
  'collection.create': { ...itemRow, params: z.strictObject({ name: title }) },
  'collection.rename': { ...itemRow, params: z.strictObject({ collection: title, name: title }) },
  'collection.delete': { ...itemRow, params: z.strictObject({ collection: title, withItems: z.boolean() }) },
  'item.list': { ...itemRow, params: itemShapes.list },
  'item.get': { ...itemRow, params: itemShapes.one },
  /** Parts: the values of the fields that have no recipe, then of the files, one after another. */
  'item.create': { ...itemRow, partsMax: 1, params: itemShapes.create },
  'item.edit': { ...itemRow, partsMax: 1, params: itemShapes.edit },
  'item.archive': { ...itemRow, params: itemShapes.archive },
  'item.restore': { ...itemRow, params: itemShapes.restore },
  'item.delete': { ...itemRow, params: itemShapes.one },
  'item.history': { ...itemRow, params: itemShapes.one },
  'item.candidates': { ...itemRow, params: itemShapes.candidates },
  /** Parts: passphrase. */
  'item.reveal': { ...itemHumanRow, params: itemShapes.reveal },
  /** Parts: the bytes of the file. */
  'item.file_put': { ...itemRow, partsMax: 1, params: itemShapes.putFile },
  /** Parts: passphrase. */
  'item.file_get': { ...itemHumanRow, params: itemShapes.getFile },
  /** Parts: all values. */
  'item.import': { ...itemRow, partsMax: 1, params: itemShapes.import },
  /** Parts: passphrase. */
  'item.export': { ...itemHumanRow, params: itemShapes.export },

  /** The daemon reads the file itself: its bytes are in no message. */
  'environment.import': {
    ...changeRow,
    params: z.strictObject({ environment: title, path, mounts: z.boolean(), backend }),
  },

  'mount.add': { ...changeRow, params: z.strictObject({ environment: title, path, backend }) },
  'mount.remove': { ...changeRow, params: z.strictObject({ path }) },
  'mount.list': { ...unlockedRow, params: nothing },
  /** Forgets what was refused to readers of a mount. */
  'mount.ask_again': { ...unlockedRow, underAgent: 'refuse', params: z.strictObject({ path }) },
  /** Parts: passphrase. Puts the file back that a mount took the place of. */
  'mount.restore': { ...humanRow, underAgent: 'refuse', params: z.strictObject({ path }) },
  /** Parts: passphrase. */
  'mount.forget_backup': { ...humanRow, underAgent: 'refuse', params: z.strictObject({ path }) },

  /**
   * Values for a command of the human's own. Parts: the passphrase, unless it was typed at that terminal a while ago.
   * Answers with one part: the values, one after another. Under an agent it becomes a request, and a run is refused.
   */
  'values.open': {
    ...unlockedRow,
    human: 'handler',
    partsMax: 1,
    params: z.strictObject({
      purpose: z.enum(['run', 'read', 'inject']),
      environments: z.array(title).max(ENVIRONMENTS_AT_ONCE_MAX),
      references: z.array(text(REFERENCE_CHARACTERS_MAX)).max(REFERENCES_MAX),
      argv: z.array(text(ARGV_CHARACTERS_MAX)).max(ARGV_MAX),
      path: path.nullable(),
    }),
  },
  /** A run that a command under an agent asks for: the request is that of the agent, and the output is masked. */
  'run.ask': {
    ...unlockedRow,
    params: z.strictObject({
      environment: title.optional(),
      references: few(z.record(title, text(REFERENCE_CHARACTERS_MAX))),
      argv: z.array(text(ARGV_CHARACTERS_MAX)).min(1).max(ARGV_MAX),
      cwd: path,
      env: few(z.record(title, text(32 * 1024))),
      timeoutSeconds: z.int().min(1).max(3600),
    }),
  },

  'request.list': { ...unlockedRow, params: nothing },
  'request.show': { ...unlockedRow, params: z.strictObject({ requestId: id }) },
  'request.approve': {
    ...humanRow,
    params: z.strictObject({
      requestId: id,
      digest: text(64),
      life: lifeSchema,
      scope: z.enum(['exact', 'program', 'environment']),
      output: outputMode.optional(),
    }),
  },
  'request.deny': { ...controlRow, params: z.strictObject({ requestId: id, blocksAgent: z.boolean().optional() }) },
  /** Parts: passphrase. From here on this connection gets `request` and `answered` events and may approve. */
  'watch.open': { ...humanRow, params: nothing },

  /** Parts: passphrase. Answers with two parts: standard output and standard error, masked. What is shown below an agent, it has. */
  'run.output': { ...humanRow, underAgent: 'refuse', params: z.strictObject({ runId: id }) },
  'run.release': { ...humanRow, params: z.strictObject({ runId: id }) },

  'grant.list': { ...unlockedRow, params: nothing },
  'lease.list': { ...unlockedRow, params: nothing },
  revoke: {
    ...controlRow,
    params: z.discriminatedUnion('what', [
      z.strictObject({ what: z.literal('id'), id }),
      z.strictObject({ what: z.literal('agent'), agentId: id }),
      z.strictObject({ what: z.literal('environment'), environment: title }),
      z.strictObject({ what: z.literal('all') }),
    ]),
  },

  'agent.list': { ...unlockedRow, params: nothing },
  'agent.admit': { ...humanRow, params: z.strictObject({ agentId: id }) },
  'agent.block': { ...unlockedRow, params: z.strictObject({ agentId: id }) },
  'agent.forget': { ...humanRow, params: z.strictObject({ agentId: id }) },

  /** With the names of items, and references by what they lead to. */
  'audit.list': {
    ...controlRow,
    underAgent: 'refuse',
    params: z.strictObject({
      fromSeq: z.int().min(1).optional(),
      limit: z.int().min(1).max(10_000).optional(),
      newestFirst: z.boolean().optional(),
    }),
  },
  'audit.verify': { ...controlRow, params: nothing },
  'audit.export': { ...humanRow, params: z.strictObject({ format: z.enum(['jsonl', 'ocsf']) }) },
} as const satisfies Record<string, Row>;

export type MethodName = keyof typeof METHODS;
export type Params<M extends MethodName> = z.infer<(typeof METHODS)[M]['params']>;

export interface Results extends ItemResults {
  authenticate: AgentAnswer<{ accountId: string; agentId: string; locked: boolean }>;
  'access.status': {
    status: 'completed';
    locked: boolean;
    agentId: string;
    admitted: boolean;
    grants: readonly GrantView[];
    mounts: readonly LocalFileView[];
    policy: { default: string; minimumTier: number; maxGrantMinutes: number };
  };
  'environments.list': AgentAnswer<{ environments: { environmentId: string; name: string; variableCount: number }[] }>;
  'environments.create': AgentAnswer<{ environmentId: string }>;
  'environments.rename': AgentAnswer<object>;
  'variables.list': AgentAnswer<{ variableNames: string[]; variables: VariableView[] }>;
  'variables.append': AgentAnswer<{ missing: string[] }>;
  'variables.remove': AgentAnswer<object>;
  'mounts.create': AgentAnswer<{ mountPath: string }>;
  'mounts.list': AgentAnswer<{ files: LocalFileView[] }>;
  'mounts.remove': AgentAnswer<object>;
  'environments.import': AgentAnswer<{ environmentId: string; variableNames: string[] }>;
  'run.start': AgentAnswer<RunAnswer>;
  /** Whatever the request was for: the members of that method's answer. */
  'requests.check': AgentAnswer<Record<string, unknown>>;
  'requests.cancel': AgentAnswer<object>;

  status: StatusView;
  doctor: { checks: Check[] };
  'daemon.stop': object;
  'vault.init': { vaultId: string };
  'vault.unlock': object;
  'vault.lock': object;
  'vault.recover': object;
  'vault.recovery_key': { vaultId: string };
  'environment.list': { environments: EnvironmentView[] };
  'environment.show': { environment: EnvironmentView };
  'environment.create': ChangeAnswer<{ environmentId: string }>;
  'environment.rename': ChangeAnswer<object>;
  'environment.delete': object;
  'environment.set_output': object;
  'environment.set': ChangeAnswer<object>;
  'environment.unset': ChangeAnswer<object>;
  'environment.import': ChangeAnswer<{ environmentId: string; variableNames: readonly string[] }>;
  'values.open': { values: ValueView[] };
  'run.ask': RunAnswer;
  'mount.add': ChangeAnswer<{ mount?: MountView }>;
  'mount.remove': ChangeAnswer<object>;
  'mount.list': { mounts: MountView[] };
  'mount.ask_again': object;
  'mount.restore': object;
  'mount.forget_backup': object;
  'request.list': { requests: RequestView[]; held: readonly HeldView[]; notices: readonly NoticeView[] };
  'request.show': { request: RequestView };
  'request.approve': { grantId: string | null };
  'request.deny': object;
  'watch.open': {
    requests: RequestView[];
    held: readonly HeldView[];
    notices: readonly NoticeView[];
    idleMinutes: number;
  };
  /** `unmaskable`: names of secrets that may be in it. */
  'run.output': { unmaskable: readonly string[] };
  'run.release': object;
  'grant.list': { grants: GrantView[] };
  'lease.list': { leases: LeaseView[] };
  revoke: RevokeView;
  'agent.list': { agents: AgentView[] };
  'agent.admit': object;
  'agent.block': RevokeView;
  'agent.forget': object;
  'audit.list': { events: RecordedEvent[] };
  'audit.verify': VerifyView;
  /** The export itself is the one part. */
  'audit.export': object;
}

/** A change by a human is done at once; by a process under an agent it waits for approval and answers what became of it. */
export type ChangeAnswer<T> = T & { readonly asked?: boolean };

/** Sent to a connection that opened a watch. */
export type WatchEvent =
  | { readonly event: 'request'; readonly request: RequestView }
  | { readonly event: 'answered'; readonly requestId: string; readonly answer: Status | 'approved' }
  | { readonly event: 'notice'; readonly notice: NoticeView }
  | { readonly event: 'held'; readonly held: HeldView }
  | { readonly event: 'closed'; readonly why: 'locked' | 'idle' };
