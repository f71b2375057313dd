// Values that masking cannot hide (core/maskability.ts): what is asked and said when one is stored.

import { isUtf8 } from 'node:buffer';
import { isPin, maskabilityOf, WHY_UNMASKABLE, type Maskability } from '../../core/maskability.ts';
import type { Call, Flag } from './command.ts';

/** Names in one line for people; a file may hold thousands. */
const NAMES_SHOWN_MAX = 20;

const KINDS = ['secret', 'plain'] as const;
type Kind = (typeof KINDS)[number];

export const UNMASKABLE_FLAG: Flag = {
  value: 'KIND',
  choices: KINDS,
  help: 'what a value is that masking cannot hide: secret (a run with it gives agents a summary) or plain; else you are asked, and without a terminal it is secret',
};

export interface Stored {
  /** As the human knows it. */
  readonly name: string;
  readonly value: Buffer;
  /** Whether it was typed at the terminal, where the human still is. */
  readonly isTyped: boolean;
  /** Whether it could be kept in the open. */
  readonly mayBePlain: boolean;
}

/** What the value is to be kept as: a secret, unless masking cannot hide it and the human says that it is none. */
export async function kindOf(call: Call, { name, value, isTyped, mayBePlain }: Stored): Promise<Kind> {
  const maskability = maskabilityOf(value);
  if (maskability === 'maskable') return 'secret';
  const what = `masking cannot hide ${name}: the value is ${WHY_UNMASKABLE[maskability]}`;
  if (!mayBePlain || isPin(name, value) || !isUtf8(value)) {
    call.output.note(`keystile: ${what}. ${AS_SECRET}.`);
    return 'secret';
  }
  const chosen = KINDS.find((kind) => kind === call.flag('unmaskable'));
  if (chosen !== undefined) return chosen;
  if (isTyped) return await asked(call, what);
  call.output.note(`keystile: ${what}. ${AS_SECRET}; --unmaskable plain keeps it in the open.`);
  return 'secret';
}

const AS_SECRET = 'It is kept as a secret, and a run with it gives agents a summary only';

async function asked(call: Call, what: string): Promise<Kind> {
  return await call.human.withTerminal(async (terminal) => {
    terminal.write(`${what[0]?.toUpperCase()}${what.slice(1)}.\n`);
    terminal.write('  s  a secret: a run with it gives agents a summary, and no output\n');
    terminal.write('  p  no secret but a setting: kept in the open, and agents may see it\n');
    terminal.write('Which is it? [S/p] ');
    const key = String.fromCharCode(await terminal.readKey());
    const kind = key === 'p' || key === 'P' ? 'plain' : 'secret';
    terminal.write(`${kind}\n`);
    return kind;
  });
}

/** One line for all that came at once; none when there is nothing to say. */
export function unmaskableLines(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > NAMES_SHOWN_MAX ? `, and ${names.length - NAMES_SHOWN_MAX} more` : '';
  const said = names.slice(0, NAMES_SHOWN_MAX).join(', ');
  return [`masking cannot hide these, so a run with one gives agents a summary only: ${said}${more}`];
}

/** The badge of a list: `yes`, or `no` and why. A value that an older version stored is judged when it is used. */
export function maskedBadge(one: { readonly maskable?: boolean; readonly maskability?: Maskability }): string {
  const { maskable = true, maskability } = one;
  if (maskability === undefined) return maskable ? 'when read' : 'no: unmaskable';
  if (maskability !== 'maskable') return `no: ${maskability}`;
  return maskable ? 'yes' : 'no: too long';
}
