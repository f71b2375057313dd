// What the thread that reads the device and the daemon's own thread say to each other. No value is among it.

import type { ProcessName } from '../../machine/processes.ts';

export interface ThreadData {
  readonly device: number;
  /** The read end of a pipe: when the other end is closed, the thread ends. */
  readonly wake: number;
  readonly uid: number;
  readonly gid: number;
}

/** Mounts are named by a number that is never used again. Handled before the next request, in order. */
export type ToThread =
  | { readonly kind: 'add'; readonly mount: number; readonly folder: string; readonly name: string }
  | { readonly kind: 'remove'; readonly mount: number }
  | ({ readonly kind: 'opened'; readonly mount: number; readonly opener: ProcessName } & OpenedFile)
  | { readonly kind: 'closed'; readonly mount: number; readonly handle: number };

export interface OpenedFile {
  readonly node: number;
  readonly handle: number;
  /** Bytes. Told to the opener alone. */
  readonly size: number;
}

/** What only the daemon's own thread can answer: it has the doorkeeper and the values. */
export type FromThread =
  | { readonly kind: 'ready' }
  | OpenRequest
  | { readonly kind: 'unidentified'; readonly mount: number }
  | { readonly kind: 'interrupt'; readonly unique: bigint }
  | ReadRequest
  | { readonly kind: 'release'; readonly mount: number; readonly handle: number };

export interface OpenRequest {
  readonly kind: 'open';
  readonly mount: number;
  readonly node: number;
  readonly unique: bigint;
  readonly opener: ProcessName;
}

export interface ReadRequest {
  readonly kind: 'read';
  readonly mount: number;
  readonly unique: bigint;
  readonly handle: number;
  readonly offset: number;
  readonly size: number;
}
