// How much output a runner can mask, with twenty secrets in all their forms.

import { randomBytes } from 'node:crypto';
import { NeedleSet, Redactor } from '../../src/core/redactor/redactor.ts';
import { progress, type Row, told } from './figures.ts';

const SECRETS = 20;
const CHUNK_BYTES = 64 * 1024;
const BYTES = 128 * 1024 * 1024;

export function measureRedaction(): Row[] {
  progress('redaction');
  const sources = Array.from({ length: SECRETS }, (_, i) => ({
    name: `SECRET_${i}`,
    value: Buffer.from(randomBytes(24).toString('base64url')),
  }));
  const startedAt = performance.now();
  const needles = NeedleSet.compile(sources);
  const compileMs = performance.now() - startedAt;
  const log = Array.from(
    { length: 2_000 },
    (_, i) => `2026-11-22T12:00:00Z info request ${i} took ${i % 97} ms\n`,
  ).join('');
  const figures = [
    `log text ${speed(needles, Buffer.from(log))} MB/s`,
    `random base64 ${speed(needles, Buffer.from(randomBytes(CHUNK_BYTES).toString('base64')))} MB/s`,
  ];
  return [
    told(`masking with ${SECRETS} secrets`, figures.join(', '), `their forms are made in ${compileMs.toFixed(1)} ms`),
  ];
}

function speed(needles: NeedleSet, text: Buffer): string {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (let at = 0; at < chunk.length; at += text.length) text.copy(chunk, at);
  const redactor = new Redactor(needles);
  const push = (bytes: number): void => {
    for (let done = 0; done < bytes; done += CHUNK_BYTES) redactor.push(chunk);
  };
  push(BYTES / 8);
  const startedAt = performance.now();
  push(BYTES);
  return (BYTES / 1e3 / (performance.now() - startedAt)).toFixed(0);
}
