import { test } from 'node:test';
import { crash } from './crash.ts';

test('I2: a writer that is killed a hundred times loses no acknowledged event, and its log verifies', () => crash(100));
