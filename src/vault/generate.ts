// Values nobody has ever seen: made here from the system's randomness, straight into the vault.

import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { CharacterClass, Recipe } from '../core/environment.ts';
import { CHARACTER_CLASSES } from '../core/recipe.ts';
import { Secret } from '../core/secret.ts';

/** Printable, unambiguous in a terminal, and safe in shells, URLs and dotenv files without quoting. */
const PASSWORD_ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789-_.~';

/** What there is of each class; the symbols are those of `op item create --generate-password`, by its manual. */
const CLASSES: Readonly<Record<CharacterClass, string>> = {
  letters: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
  digits: '0123456789',
  symbols: '!@.-_*',
};

/** A fresh value after a recipe, as UTF-8 bytes. */
export function generateValue(recipe: Recipe): Secret {
  switch (recipe.kind) {
    case 'hex':
    case 'base64': {
      using raw = new Secret(randomBytes(recipe.bytes));
      return new Secret(Buffer.from(raw.reveal().toString(recipe.kind), 'latin1'));
    }
    case 'password':
      return new Secret(lettersOf(PASSWORD_ALPHABET, recipe.characters));
    case 'mixed':
      return new Secret(mixedOf(recipe.classes, recipe.characters));
    case 'uuid':
      return new Secret(Buffer.from(randomUUID(), 'latin1'));
  }
}

/** Each of them drawn alone, with the same chance for every letter. */
function lettersOf(alphabet: string, length: number): Buffer {
  const letters = Buffer.allocUnsafeSlow(length);
  for (let i = 0; i < length; i += 1) letters[i] = alphabet.charCodeAt(randomInt(alphabet.length));
  return letters;
}

/**
 * Drawn again as a whole until every class is there: so all values that have them are equally likely, which they would
 * not be if one letter of each were put in. At the shortest length every third draw will do.
 */
function mixedOf(classes: readonly CharacterClass[], length: number): Buffer {
  const alphabets = CHARACTER_CLASSES.filter((name) => classes.includes(name)).map((name) => CLASSES[name]);
  for (;;) {
    const letters = lettersOf(alphabets.join(''), length);
    if (alphabets.every((alphabet) => letters.some((letter) => alphabet.includes(String.fromCharCode(letter)))))
      return letters;
    letters.fill(0);
  }
}
