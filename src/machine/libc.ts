// The C library, through koffi. No other file imports koffi; each file that needs a call binds it here, once, on first
// use, and says where its numbers come from.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import { Failure } from '../core/failure.ts';

/** A bound function. Text and Buffers are passed as pointers; `async` runs it in a thread and calls back. */
export interface NativeFunction {
  (...values: unknown[]): number;
  async?(...values: unknown[]): void;
}

export interface CLibrary {
  /** Binds `int name(int a, void *b)`. Throws a TypeError of koffi for a prototype it cannot read. */
  readonly func: (prototype: string) => NativeFunction;
  /** The same on one platform; on every other a function that fails as the call would. */
  readonly funcOn: (platform: NodeJS.Platform, prototype: string) => NativeFunction;
  /** Why the last call on this thread failed. */
  readonly errno: () => number;
}

let loaded: CLibrary | null = null;

/** Throws `machine/unsupported` where koffi cannot be loaded. */
export function cLibrary(): CLibrary {
  loaded ??= load();
  return loaded;
}

/** The Failure for something this system does not have. */
export function unsupported(what: string): Failure {
  return new Failure('machine/unsupported', `this system does not offer ${what}`);
}

function load(): CLibrary {
  if (process.platform !== 'linux' && process.platform !== 'darwin')
    throw unsupported(`on ${process.platform}, anything`);
  try {
    const koffi = loadKoffi(createRequire(import.meta.url));
    // null is the program itself, which has the C library in it: right for glibc, musl and macOS alike.
    const library = koffi.load(null);
    return {
      func: (prototype) => library.func(prototype),
      funcOn: (platform, prototype) => (process.platform === platform ? library.func(prototype) : () => -1),
      errno: koffi.errno,
    };
  } catch (cause) {
    throw new Failure('machine/unsupported', 'the native calls cannot be loaded (koffi)', {
      hint: 'install keystile again with its optional dependencies',
      cause,
    });
  }
}

/**
 * Its native part by itself where we know which that is: koffi's own loader reads the program file of this process to
 * tell glibc from musl, and takes 9 ms of every start where this takes 1.
 */
function loadKoffi(require: NodeJS.Require): typeof Koffi {
  if (process.platform === 'linux' && process.arch === 'x64' && !existsSync('/lib/ld-musl-x86_64.so.1')) {
    try {
      const koffi: typeof Koffi = require('@koromix/koffi-linux-x64/linux_x64/koffi.node');
      return koffi;
    } catch {
      // Laid out in another way: the loader finds it.
    }
  }
  const koffi: typeof Koffi = require('koffi');
  return koffi;
}
