// How a secret is to be generated, as people and agents write it: `hex:32`, `base64:32`, `password:24`, `uuid`.

import type { Recipe } from './environment.ts';
import { Failure } from './failure.ts';

/** What is made when only the kind is written. Bytes for hex and base64, characters for a password. */
const LENGTH_DEFAULTS = { hex: 32, base64: 32, password: 24 } as const;

/** Below 8 a value could be guessed and could not be found in output; the wire table has the same two limits. */
export const RECIPE_LENGTH_MIN = 8;
export const RECIPE_LENGTH_MAX = 1024;

/** Reads `hex:N`, `base64:N` (N bytes), `password:N` (N characters) or `uuid`. Throws `input/invalid`. */
export function parseRecipe(text: string, field = 'generate'): Recipe {
  if (text === 'uuid') return { kind: 'uuid' };
  const [kind = '', digits] = text.split(/:(.*)/s);
  if (!isSized(kind) || (digits !== undefined && !/^[1-9]\d{0,3}$/.test(digits))) {
    throw refusal('that is not a way to generate a value', field);
  }
  const length = digits === undefined ? LENGTH_DEFAULTS[kind] : Number(digits);
  if (length < RECIPE_LENGTH_MIN || length > RECIPE_LENGTH_MAX) {
    throw refusal(`a length from ${RECIPE_LENGTH_MIN} to ${RECIPE_LENGTH_MAX} is possible`, field);
  }
  return kind === 'password' ? { kind, characters: length } : { kind, bytes: length };
}

/** The text that `parseRecipe` reads back. */
export function recipeText(recipe: Recipe): string {
  switch (recipe.kind) {
    case 'uuid':
      return 'uuid';
    case 'password':
      return `password:${recipe.characters}`;
    case 'hex':
    case 'base64':
      return `${recipe.kind}:${recipe.bytes}`;
  }
}

function isSized(kind: string): kind is keyof typeof LENGTH_DEFAULTS {
  return Object.hasOwn(LENGTH_DEFAULTS, kind);
}

function refusal(message: string, field: string): Failure {
  return new Failure('input/invalid', message, { field, hint: 'use hex:32, base64:32, password:24 or uuid' });
}
