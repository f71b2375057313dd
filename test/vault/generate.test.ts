// Generated values: what they are made of, and that no one is likelier than another.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CHARACTER_CLASSES, RECIPE_LENGTH_MAX, RECIPE_LENGTH_MIN, parseRecipe } from '../../src/core/recipe.ts';
import { generateValue } from '../../src/vault/generate.ts';

const SHAPES = { letters: /[A-Za-z]/, digits: /[0-9]/, symbols: /[!@.\-_*]/ };

function generated(recipe: string): string {
  using value = generateValue(parseRecipe(recipe));
  return value.reveal().toString('latin1');
}

test('every class that was chosen is there, no other, and the length is the one that was asked for', () => {
  for (let chosen = 1; chosen < 8; chosen += 1) {
    const classes = CHARACTER_CLASSES.filter((_, index) => (chosen >> index) & 1);
    for (const length of [RECIPE_LENGTH_MIN, 9, 32, RECIPE_LENGTH_MAX]) {
      for (let run = 0; run < 50; run += 1) {
        const value = generated(`password:${classes.join(',')},${length}`);
        assert.equal(value.length, length);
        assert.match(value, /^[A-Za-z0-9!@.\-_*]+$/);
        for (const name of CHARACTER_CLASSES) assert.equal(SHAPES[name].test(value), classes.includes(name), name);
      }
    }
  }
});

test('no character and no place is preferred', () => {
  // Of one class alone nothing is drawn again, so each letter is there as often as any other: chi-squared of 51 degrees
  // of freedom, which is above 120 once in ten million times.
  const text = Array.from({ length: 100 }, () => generated('letters,1024')).join('');
  const expected = text.length / 52;
  const counts = new Map<string, number>();
  for (const letter of text) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  assert.equal(counts.size, 52);
  const chi = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  assert.ok(chi < 120, `chi-squared ${chi}`);
  // Were one of each class put in at a fixed place, a digit would stand there always.
  const short = Array.from({ length: 2_000 }, () => generated('letters,digits,symbols,8'));
  for (let at = 0; at < RECIPE_LENGTH_MIN; at += 1) {
    const digits = short.filter((value) => SHAPES.digits.test(value[at]!)).length;
    assert.ok(digits > 250 && digits < 650, `${digits} of 2000 at ${at}`);
  }
});

test('the older kinds are as they were', () => {
  assert.match(generated('hex:8'), /^[0-9a-f]{16}$/);
  assert.match(generated('base64:9'), /^[A-Za-z0-9+/]{12}$/);
  assert.match(generated('password:24'), /^[A-HJ-NP-Za-km-z2-9\-_.~]{24}$/);
  assert.match(generated('uuid'), /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/);
});
