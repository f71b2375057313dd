// The whole table: groups of ways in the order of the document.

import { ENCODED } from './encoded.ts';
import { HIDDEN } from './hidden.ts';
import { PRINTED } from './printed.ts';
import { QUOTED } from './quoted.ts';
import { WEB } from './web.ts';
import type { Way } from './way.ts';

export interface Group {
  readonly title: string;
  readonly ways: readonly Way[];
}

export const GROUPS: readonly Group[] = [
  { title: 'As it is', ways: PRINTED },
  { title: 'Quoted', ways: QUOTED },
  { title: 'By verbose clients', ways: WEB },
  { title: 'Encoded', ways: ENCODED },
  { title: 'Hidden, or in part', ways: HIDDEN },
];
