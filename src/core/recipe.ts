// How a secret is to be generated, as people and agents write it: `hex:32`, `base64:32`, `password:24`, `uuid`, and with
// the characters to choose from `password:letters,digits,symbols,32`, which op writes without its first word.

import type { CharacterClass, Recipe } from './environment.ts';
import { Failure } from './failure.ts';

/** What is made when only the kind is written. Bytes for hex and base64, characters for a password. */
const LENGTH_DEFAULTS = { hex: 32, base64: 32, password: 24 } as const;

/** As `op item create --generate-password`. */
const MIXED_LENGTH_DEFAULT = 32;

/** Below 8 a value could be guessed and could not be found in output; the wire table has the same two limits. */
export const RECIPE_LENGTH_MIN = 8;
export const RECIPE_LENGTH_MAX = 1024;

/** A word that is meant as a recipe, behind a flag whose value may be left out. Whether it is one, `parseRecipe` says. */
export const RECIPE_WORD = /^(?:(?:hex|base64|password|uuid)(?::[a-z\d,]+)?|(?:letters|digits|symbols)(?:,[a-z\d]+)*)$/;

/** In the order in which they are written and shown. */
export const CHARACTER_CLASSES = ['letters', 'digits', 'symbols'] as const satisfies readonly CharacterClass[];

/** A password that says which characters: the classes, then perhaps a length. */
const MIXED = /^(?:password:)?([a-z]+(?:,[a-z]+)*)(?:,(\d{1,5}))?$/;

/**
 * Reads `hex:N`, `base64:N` (N bytes), `password:N` (N characters), `uuid`, or a list of `letters`, `digits` and
 * `symbols` with a length at its end. Throws `input/invalid`.
 */
export function parseRecipe(text: string, field = 'generate'): Recipe {
  if (text === 'uuid') return { kind: 'uuid' };
  const mixed = mixedOf(text, field);
  if (mixed !== undefined) return mixed;
  const [kind = '', digits] = text.split(/:(.*)/s);
  if (!isSized(kind)) throw refusal('that is not a way to generate a value', field);
  const length = lengthOf(digits, LENGTH_DEFAULTS[kind], field);
  return kind === 'password' ? { kind, characters: length } : { kind, bytes: length };
}

/** The text that `parseRecipe` reads back. */
export function recipeText(recipe: Recipe): string {
  switch (recipe.kind) {
    case 'uuid':
      return 'uuid';
    case 'password':
      return `password:${recipe.characters}`;
    case 'mixed':
      return `password:${recipe.classes.join(',')},${recipe.characters}`;
    case 'hex':
    case 'base64':
      return `${recipe.kind}:${recipe.bytes}`;
  }
}

/** Nothing for a text that names no class of characters. */
function mixedOf(text: string, field: string): Recipe | undefined {
  const [, list = '', digits] = MIXED.exec(text) ?? [];
  const words = list.split(',');
  const classes = CHARACTER_CLASSES.filter((word) => words.includes(word));
  if (classes.length === 0) return undefined;
  if (classes.length < words.length) throw refusal('a class of characters is unknown, or there twice', field);
  return { kind: 'mixed', classes, characters: lengthOf(digits, MIXED_LENGTH_DEFAULT, field) };
}

function lengthOf(digits: string | undefined, otherwise: number, field: string): number {
  if (digits === undefined) return otherwise;
  if (!/^[1-9]\d{0,4}$/.test(digits)) throw refusal('that is not a way to generate a value', field);
  const length = Number(digits);
  if (length >= RECIPE_LENGTH_MIN && length <= RECIPE_LENGTH_MAX) return length;
  throw refusal(`a length from ${RECIPE_LENGTH_MIN} to ${RECIPE_LENGTH_MAX} is possible`, field);
}

function isSized(kind: string): kind is keyof typeof LENGTH_DEFAULTS {
  return Object.hasOwn(LENGTH_DEFAULTS, kind);
}

function refusal(message: string, field: string): Failure {
  const hint = 'use hex:32, base64:32, password:24, password:letters,digits,symbols,32 or uuid';
  return new Failure('input/invalid', message, { field, hint });
}
