// One way to print a secret: a line of some language, and how an attentive reader gets the secret back from what it prints.

import { has } from '../../test/house.ts';
import { asItIs, type Reading } from './reading.ts';

/** How the bytes leave the program. All but `once` are cut by the way itself. */
export type Writes = 'once' | 'bytes' | 'thirds' | 'a half on each' | 'streams in turn';

export interface Way {
  readonly name: string;
  readonly language: 'shell' | 'python' | 'node' | 'perl';
  /** In Python an expression over `v` (text) and `b` (bytes); elsewhere a program, with the secret in `$V`. */
  readonly code: string;
  readonly reads: Reading;
  readonly writes: Writes;
}

export const shell = (name: string, code: string, reads: Reading = asItIs): Way => {
  return { name, language: 'shell', code, reads, writes: 'once' };
};

export const python = (name: string, code: string, reads: Reading = asItIs, writes: Writes = 'once'): Way => {
  return { name, language: 'python', code, reads, writes };
};

export const node = (name: string, code: string, reads: Reading = asItIs): Way => {
  return { name, language: 'node', code, reads, writes: 'once' };
};

export const perl = (name: string, code: string, reads: Reading = asItIs): Way => {
  return { name, language: 'perl', code, reads, writes: 'once' };
};

/** Programs that not every machine has; the others come with every Linux. */
const PROGRAMS = 'dash zsh perl xxd hexdump jq curl openssl iconv base32 basenc rev'.split(' ');

/** The programs a way needs and this machine has not. */
export function missingFor({ language, code }: Way): string[] {
  const words = new Set([language, ...(language === 'shell' ? code.split(/[^\w]+/) : [])]);
  return PROGRAMS.filter((program) => words.has(program) && !has(program));
}
