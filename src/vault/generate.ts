// Values nobody has ever seen: made here from the system's randomness, straight into the vault.

import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { Recipe } from '../core/environment.ts';
import { Secret } from '../core/secret.ts';

/** Printable, unambiguous in a terminal, and safe in shells, URLs and dotenv files without quoting. */
const PASSWORD_ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789-_.~';

/** A fresh value after a recipe, as UTF-8 bytes. */
export function generateValue(recipe: Recipe): Secret {
  switch (recipe.kind) {
    case 'hex':
    case 'base64': {
      using raw = new Secret(randomBytes(recipe.bytes));
      return new Secret(Buffer.from(raw.reveal().toString(recipe.kind), 'latin1'));
    }
    case 'password': {
      const letters = Buffer.alloc(recipe.characters);
      for (let i = 0; i < letters.length; i += 1) {
        letters[i] = PASSWORD_ALPHABET.charCodeAt(randomInt(PASSWORD_ALPHABET.length));
      }
      return new Secret(letters);
    }
    case 'uuid':
      return new Secret(Buffer.from(randomUUID(), 'latin1'));
  }
}
