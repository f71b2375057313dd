import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Failure } from '../../src/core/failure.ts';
import { parseRecipe, recipeText } from '../../src/core/recipe.ts';
import { VERSION } from '../../src/core/version.ts';

test('a recipe says what to generate and how much of it', () => {
  assert.deepEqual(parseRecipe('hex:32'), { kind: 'hex', bytes: 32 });
  assert.deepEqual(parseRecipe('base64:8'), { kind: 'base64', bytes: 8 });
  assert.deepEqual(parseRecipe('password:1024'), { kind: 'password', characters: 1024 });
  assert.deepEqual(parseRecipe('uuid'), { kind: 'uuid' });
  assert.deepEqual(parseRecipe('hex'), { kind: 'hex', bytes: 32 });
  assert.deepEqual(parseRecipe('password'), { kind: 'password', characters: 24 });
});

test('a password may say which characters it has, as op writes it and behind its own word', () => {
  const all = ['letters', 'digits', 'symbols'];
  assert.deepEqual(parseRecipe('password:letters,digits,symbols,40'), { kind: 'mixed', classes: all, characters: 40 });
  assert.deepEqual(parseRecipe('letters,digits,symbols,32'), { kind: 'mixed', classes: all, characters: 32 });
  assert.deepEqual(parseRecipe('symbols,letters'), { kind: 'mixed', classes: ['letters', 'symbols'], characters: 32 });
  assert.deepEqual(parseRecipe('digits,8'), { kind: 'mixed', classes: ['digits'], characters: 8 });
  assert.deepEqual(parseRecipe('password:letters,1024').kind, 'mixed');
});

test('a recipe that is none, or for too little or too much, is refused with the ones there are', () => {
  const texts = [
    '',
    'hex:',
    'hex:7',
    'hex:1025',
    'hex:032',
    'hex:1e2',
    'hex:8:8',
    'uuid:4',
    'HEX:32',
    'toString',
    '__proto__',
    'hex:32\n',
    'letters,7',
    'letters,1025',
    'letters,08',
    'letters,letters',
    'letters,words',
    'words,3',
    'letters,',
    ',letters',
    'Letters',
    'letters digits',
    'password:24,letters',
    'hex:letters',
    'password:letters,8,8',
  ];
  for (const text of texts) {
    const isRefusal = (error: unknown) =>
      error instanceof Failure && error.code === 'input/invalid' && error.field === 'f' && /uuid/.test(error.hint);
    assert.throws(() => parseRecipe(text, 'f'), isRefusal, text);
  }
});

test('a recipe is written as it is read', () => {
  for (const text of ['hex:32', 'base64:64', 'password:24', 'uuid', 'password:letters,digits,9', 'password:symbols,32'])
    assert.equal(recipeText(parseRecipe(text)), text);
});

test('the version is that of package.json', () => {
  assert.equal(VERSION, JSON.parse(readFileSync('package.json', 'utf8')).version);
});
