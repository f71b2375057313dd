// Values of the vault for a command of the human's own: asked for with the passphrase, or without it when it was typed at
// this terminal a while ago. I1: they are in the clear here, for as long as `use` runs.

import type { Purpose } from '../../core/disclosure.ts';
import { Failure } from '../../core/failure.ts';
import { applyForm } from '../../core/value-form.ts';
import type { Answer } from '../../wire/answers.ts';
import type { Params } from '../../wire/methods.ts';
import type { ValueView } from '../../wire/views.ts';
import type { Call } from './command.ts';
import { CLIENT_NAME, cliPaths } from './daemon.ts';

export interface OpenValue {
  /** The variable, or the reference as it was asked for. */
  readonly name: string;
  readonly value: Buffer;
  readonly isMasked: boolean;
  /** A secret that masking cannot hide. */
  readonly isUnmaskable: boolean;
}

export interface ValuesAsked {
  readonly purpose: Purpose;
  readonly environments?: readonly string[];
  readonly references?: readonly string[];
  /** The program that gets them, or the words of this command. */
  readonly argv: readonly string[];
  /** The file they are written to, absolute; null for none. */
  readonly path?: string | null;
}

/** Of the command, for the log and for who is asked. */
const WORDS_SAID = 100;
const WORD_CHARACTERS_SAID = 1_000;
/** So long without an answer means that a human is asked somewhere else. */
const SILENCE_MS = 1_000;

/**
 * The variables of the environments, in order, then one value for each reference. They are wiped when `use` is done.
 * Throws what the daemon says, `human/needed` when nobody can be asked for the passphrase.
 */
export async function withValues<T>(
  call: Call,
  asked: ValuesAsked,
  use: (values: readonly OpenValue[]) => Promise<T>,
): Promise<T> {
  const { purpose, environments = [], references = [], argv, path = null } = asked;
  const said = argv.slice(0, WORDS_SAID).map((word) => word.slice(0, WORD_CHARACTERS_SAID).toWellFormed());
  const params = { purpose, environments: [...environments], references: [...references], argv: said, path };
  const { views, bytes } = await opened(call, params);
  const values: OpenValue[] = [];
  try {
    let at = 0;
    for (const { bytes: length, ...view } of views) {
      const value = await applyForm(bytes.subarray(at, at + length), view.form, Date.now());
      values.push({ name: view.name, value, isMasked: view.isMasked, isUnmaskable: view.isSecret && !view.isMasked });
      at += length;
    }
    bytes.fill(0);
    return await use(values);
  } finally {
    bytes.fill(0);
    for (const { value } of values) value.fill(0);
  }
}

interface Opened {
  readonly views: readonly ValueView[];
  readonly bytes: Buffer;
}

async function opened(call: Call, params: Params<'values.open'>): Promise<Opened> {
  const withPassphrase = async (): Promise<Opened> =>
    await call.human.withPassphrase(QUESTIONS[params.purpose], async (passphrase) => {
      return await openOn(call, params, [passphrase]);
    });
  if (call.has('passphrase-stdin')) return await withPassphrase();
  try {
    return (await openQuickly(call, params)) ?? (await openOn(call, params, []));
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'human/needed') throw error;
    return await withPassphrase();
  }
}

/** Null when the daemon could not be asked in that way. */
async function openQuickly(call: Call, params: Params<'values.open'>): Promise<Opened | null> {
  const { callQuickly } = await import('../../wire/quick-call.ts');
  const silence = { afterMs: SILENCE_MS, tell: () => call.output.note(WAITING) };
  const answer = callQuickly({ paths: cliPaths(), clientName: CLIENT_NAME, method: 'values.open', params, silence });
  return answer === null ? null : openedBy(answer);
}

async function openOn(call: Call, params: Params<'values.open'>, parts: readonly Buffer[]): Promise<Opened> {
  const daemon = await call.daemon();
  // With a passphrase it is the key derivation that takes its second.
  const silence = parts.length > 0 ? undefined : setTimeout(() => call.output.note(WAITING), SILENCE_MS);
  try {
    return openedBy(await daemon.call('values.open', params, { parts }));
  } finally {
    clearTimeout(silence);
  }
}

function openedBy({ result, parts: [bytes = Buffer.alloc(0)] }: Answer<'values.open'>): Opened {
  return { views: result.values, bytes };
}

const QUESTIONS: Readonly<Record<Purpose, string>> = {
  run: 'Passphrase to give the program these values',
  read: 'Passphrase to read this value',
  inject: 'Passphrase to fill in these values',
};

export const WAITING = 'keystile: waiting for an answer; keystile requests shows what a coding agent asks for';
