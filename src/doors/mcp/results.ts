// What a tool gives back: the members every answer has, then its own, in an order that survives a client which cuts long
// results in the middle. Only members named here leave the process (I4).

import type { CallToolResult } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { Failure, type FailureCode } from '../../core/failure.ts';
import type { Status } from '../../core/request.ts';

const STATUSES = [
  'completed',
  'approval_pending',
  'denied',
  'expired',
  'forbidden',
  'locked',
  'not_admitted',
  'approver_unavailable',
] as const satisfies readonly Status[];

const envelope = () => ({
  status: z.enum(STATUSES),
  requestId: z.string().optional(),
  retry: z.enum(['none', 'poll', 'later']).optional(),
  message: z.string().optional(),
});

export const environmentsSchema = () =>
  z.array(z.object({ environmentId: z.string(), name: z.string(), variableCount: z.number() }));

export const variablesSchema = () =>
  z.array(
    z.object({
      name: z.string(),
      kind: z.enum(['literal', 'reference', 'generated', 'plain', 'missing']),
      concealed: z.boolean(),
      reference: z.string().optional(),
    }),
  );

export const redactionsSchema = () =>
  z.array(z.object({ name: z.string(), count: z.number(), forms: z.array(z.string()) }));

export const filesSchema = () =>
  z.array(z.object({ mountPath: z.string(), environmentId: z.string(), state: z.string() }));

export const grantsSchema = () => z.array(z.looseObject({ grantId: z.string() }));

/**
 * The schema of an answer: the common members and, once it is completed, the tool's own. With `open`, which says what
 * they are, any others as well.
 */
export function answerSchema(own: z.ZodRawShape, open?: string): z.ZodType {
  const { shape } = z.object(own).partial();
  const members = { ...envelope(), ...shape };
  return open === undefined ? z.object(members) : z.looseObject(members).describe(open);
}

/** The answer as the client gets it: as data, and the same as text. Throws `daemon/protocol` for what it is not. */
export function resultOf(output: z.ZodType, answer: object): CallToolResult {
  const parsed = output.safeParse(answer);
  if (!parsed.success) throw new Failure('daemon/protocol', 'the daemon answered something this version does not know');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every output schema is an object
  const structuredContent = parsed.data as Record<string, unknown>;
  return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
}

/**
 * What a stop becomes. Where the human can help, an ordinary answer with a status, so that the model waits or asks
 * instead of trying other ways; otherwise an error with a code and a field.
 */
export function resultOfFailure(failure: Failure): CallToolResult {
  const answer = statusOf(failure);
  if (answer !== null) {
    return { content: [{ type: 'text', text: JSON.stringify(answer) }], structuredContent: { ...answer } };
  }
  return { content: [{ type: 'text', text: JSON.stringify({ error: failure.toDocument() }) }], isError: true };
}

interface StatusAnswer {
  readonly status: Exclude<Status, 'completed' | 'approval_pending'>;
  readonly retry: 'none' | 'later';
  readonly message: string;
}

const TELL = 'Stop here and tell the human:';
const THEN = 'Then call again.';

/** What the human has to do, for each stop that only the human can end. */
const HUMAN_CAN_HELP: Partial<Record<FailureCode, string>> = {
  'daemon/unreachable': `The Keystile daemon is not running. ${TELL} run "keystile start", then "keystile unlock". ${THEN}`,
  'daemon/impostor': `Something that is not the Keystile daemon answers on its socket, so nothing was sent. ${TELL} run "keystile doctor", then "keystile stop" and "keystile start".`,
  'daemon/protocol': `The running Keystile daemon is another version. ${TELL} run "keystile stop", then "keystile start". ${THEN}`,
  'daemon/method_not_found': `The running Keystile daemon is an older version. ${TELL} run "keystile stop", then "keystile start". ${THEN}`,
  'daemon/busy': `The Keystile daemon has too much to do. Wait a little. ${THEN}`,
  'vault/absent': `There is no vault yet. ${TELL} run "keystile init". ${THEN}`,
  'vault/locked': `The vault is locked. ${TELL} run "keystile unlock". ${THEN}`,
  'home/unsafe': `The folder of Keystile cannot be trusted, so nothing was sent. ${TELL} run "keystile doctor".`,
  'home/settings': `The settings of Keystile are wrong. ${TELL} run "keystile doctor".`,
};

function statusOf(failure: Failure): StatusAnswer | null {
  const message = HUMAN_CAN_HELP[failure.code];
  if (message === undefined) return null;
  return { status: failure.code === 'vault/locked' ? 'locked' : 'approver_unavailable', retry: 'later', message };
}
