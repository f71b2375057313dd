// Laws of the redactor over made-up secrets and texts, and a second redactor, written another way, that it must equal.

import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { needlesOf } from '../../../src/core/redactor/needles.ts';
import { NeedleSet, Redactor } from '../../../src/core/redactor/redactor.ts';

const RUNS = 300;

interface Source {
  readonly name: string;
  readonly value: Buffer;
}

interface Scene {
  readonly sources: readonly Source[];
  readonly text: Buffer;
  /** Lengths of writes, used in turn. */
  readonly cuts: readonly number[];
}

function redact(sources: readonly Source[], text: Buffer, cuts: readonly number[] = [text.length]): Buffer {
  const redactor = new Redactor(NeedleSet.compile(sources));
  return run(redactor, text, cuts);
}

function run(redactor: Redactor, text: Buffer, cuts: readonly number[]): Buffer {
  const given: Buffer[] = [];
  for (let at = 0, k = 0; at < text.length; k += 1) {
    const length = Math.max(1, cuts[k % cuts.length] ?? 1);
    // A fresh copy that is overwritten afterwards: nothing may hang on to a caller's buffer.
    const chunk = Buffer.from(text.subarray(at, at + length));
    given.push(Buffer.from(redactor.push(chunk)));
    chunk.fill(0x21);
    at += length;
  }
  return Buffer.concat([...given, redactor.end()]);
}

/** Whole text at once, byte by byte: which bytes are covered, and which borders lie inside one needle. */
function reference({ sources, text }: Scene): {
  output: Buffer;
  tallies: Map<string, { count: number; forms: Set<string> }>;
} {
  const covered = new Uint8Array(text.length);
  const isInside = new Uint8Array(text.length + 1);
  const hits: Array<{ at: number; name: string; form: string }> = [];
  for (const { name, value } of sources) {
    for (const { bytes, form } of needlesOf(value)) {
      for (let at = text.indexOf(bytes); at >= 0; at = text.indexOf(bytes, at + 1)) {
        covered.fill(1, at, at + bytes.length);
        isInside.fill(1, at + 1, at + bytes.length);
        hits.push({ at, name, form });
      }
    }
  }
  const tallies = new Map<string, { count: number; forms: Set<string> }>();
  const output: Buffer[] = [];
  for (let at = 0; at < text.length;) {
    let end = at + 1;
    if (covered[at] === 0) {
      output.push(text.subarray(at, end));
    } else {
      while (isInside[end] === 1) end += 1;
      const own = hits.filter((hit) => hit.at >= at && hit.at < end);
      const names = [...new Set(own.map(({ name }) => name))].sort();
      for (const name of names) {
        const tally = tallies.get(name) ?? { count: 0, forms: new Set<string>() };
        tallies.set(name, { count: tally.count + 1, forms: tally.forms });
        for (const hit of own) if (hit.name === name) tally.forms.add(hit.form);
      }
      output.push(Buffer.from(`[REDACTED:${names.join(',')}]`));
    }
    at = end;
  }
  return { output: Buffer.concat(output), tallies };
}

const bytesOf = (alphabet: string, minLength: number, maxLength: number): fc.Arbitrary<Buffer> =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength }).map((text) => Buffer.from(text));

/** Small alphabets make secrets overlap, repeat and start each other; none of their forms has a byte of a marker. */
const shortValue = fc.oneof(
  { weight: 3, arbitrary: bytesOf('ab', 6, 14) },
  { weight: 2, arbitrary: bytesOf('abc', 8, 30) },
  { weight: 1, arbitrary: bytesOf('aé\n ', 6, 40) },
  { weight: 1, arbitrary: bytesOf('ab/+"\'%é\n', 6, 60) },
);
/** With values that are looked for in pieces. */
const tameValue = fc.oneof({ weight: 7, arbitrary: shortValue }, { weight: 1, arbitrary: bytesOf('ab', 500, 700) });
const wildValue = fc.oneof(
  tameValue,
  bytesOf('[]<>{}()*.#_REDACT:,AB', 6, 12),
  fc.uint8Array({ minLength: 6, maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
);

function sceneOf(value: fc.Arbitrary<Buffer>): fc.Arbitrary<Scene> {
  return fc.array(value, { minLength: 1, maxLength: 4 }).chain((values) => {
    const sources = values.map((bytes, k) => ({ name: `N${k}`, value: bytes }));
    const needles = values.flatMap((bytes) => needlesOf(bytes).map((needle) => needle.bytes));
    const whole = fc.constantFrom(...needles, ...values);
    const part = fc
      .tuple(whole, fc.nat(40), fc.nat(40))
      .map(([bytes, left, right]) => bytes.subarray(left % bytes.length, bytes.length - (right % bytes.length)));
    const filler = fc.oneof(bytesOf('ab', 0, 12), bytesOf('xyz \n=', 0, 8));
    const text = fc
      .array(fc.oneof(whole, whole, part, part, filler), { maxLength: 8 })
      .map((parts) => Buffer.concat(parts));
    const cuts = fc.oneof(
      fc.constant([1]),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 6 }),
    );
    return fc.record({ sources: fc.constant(sources), text, cuts });
  });
}

void test('the output equals that of the plain redactor, however the input is cut', () => {
  fc.assert(
    fc.property(sceneOf(tameValue), (scene) => {
      const redactor = new Redactor(NeedleSet.compile(scene.sources));
      const output = run(redactor, scene.text, scene.cuts);
      const expected = reference(scene);
      assert.equal(output.toString('latin1'), expected.output.toString('latin1'));
      assert.deepEqual(
        redactor.redactions,
        [...expected.tallies]
          .map(([name, { count, forms }]) => ({ name, count, forms: [...forms].sort() }))
          .sort((a, b) => (a.name < b.name ? -1 : 1)),
      );
    }),
    { numRuns: RUNS * 2 },
  );
});

void test('every way to cut an input once gives the same output, for any bytes', () => {
  fc.assert(
    fc.property(sceneOf(wildValue), ({ sources, text, cuts }) => {
      const set = NeedleSet.compile(sources);
      const whole = run(new Redactor(set), text, [text.length]);
      assert.deepEqual(run(new Redactor(set), text, cuts), whole);
      for (let at = 1; at < text.length; at += Math.ceil(text.length / 60)) {
        assert.deepEqual(run(new Redactor(set), text, [at, text.length]), whole);
      }
    }),
    { numRuns: RUNS / 2 },
  );
});

void test('no needle is left in the output, not even in or at a marker', () => {
  fc.assert(
    fc.property(sceneOf(wildValue), ({ sources, text, cuts }) => {
      const output = redact(sources, text, cuts);
      for (const { value } of sources) {
        for (const { bytes, form } of needlesOf(value)) assert.ok(!output.includes(bytes), form);
      }
    }),
    { numRuns: RUNS },
  );
});

void test('an output that is redacted again stays as it is', () => {
  fc.assert(
    fc.property(sceneOf(wildValue), ({ sources, text, cuts }) => {
      const output = redact(sources, text, cuts);
      assert.deepEqual(redact(sources, output, cuts), output);
    }),
    { numRuns: RUNS / 2 },
  );
});

void test('an input without needles comes through byte for byte', () => {
  const anyBytes = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(sceneOf(wildValue), anyBytes, ({ sources, text, cuts }, other) => {
      const needles = sources.flatMap(({ value }) => needlesOf(value));
      for (const candidate of [other, text]) {
        if (needles.some(({ bytes }) => candidate.includes(bytes))) continue;
        assert.deepEqual(redact(sources, candidate, cuts), candidate);
      }
    }),
    { numRuns: RUNS },
  );
});

void test('one more secret never shows more', () => {
  fc.assert(
    fc.property(sceneOf(tameValue), tameValue, ({ sources, text, cuts }, value) => {
      const visible = (output: Buffer): string => output.toString('latin1').replace(/\[REDACTED:[^\]]*\]/g, '');
      const fewer = visible(redact(sources, text, cuts));
      const more = visible(redact([...sources, { name: 'MORE', value }], text, cuts));
      let at = 0;
      for (const character of more) {
        at = fewer.indexOf(character, at) + 1;
        assert.notEqual(at, 0, 'what is shown now was shown before');
      }
    }),
    { numRuns: RUNS },
  );
});

void test('I8: what is held back is exactly what could still become a secret', () => {
  const start = fc.record({ filler: bytesOf('abxy ', 0, 20), needle: fc.nat(), length: fc.nat() });
  let seen = 0;
  fc.assert(
    fc.property(sceneOf(shortValue), fc.array(start, { minLength: 1, maxLength: 3 }), ({ sources, cuts }, starts) => {
      const needles = sources.flatMap(({ value }) => needlesOf(value).map(({ bytes }) => bytes));
      const parts = starts.map(({ filler, needle, length }) => {
        const bytes = needles[needle % needles.length] ?? Buffer.alloc(0);
        return Buffer.concat([filler, bytes.subarray(0, length % bytes.length)]);
      });
      const text = Buffer.concat(parts);
      if (needles.some((bytes) => text.includes(bytes))) return;
      const redactor = new Redactor(NeedleSet.compile(sources));
      let given = 0;
      for (let at = 0, k = 0; at < text.length; k += 1) {
        const chunk = text.subarray(at, at + (cuts[k % cuts.length] ?? 1));
        at += chunk.length;
        given += redactor.push(chunk).length;
        const longest = Math.max(0, ...needles.map((bytes) => openEnd(text.subarray(0, at), bytes)));
        assert.equal(at - given, longest);
      }
      seen += 1;
    }),
    { numRuns: RUNS },
  );
  assert.ok(seen > RUNS / 4, `only ${seen} texts had no needle in them`);
});

/** Length of the longest end of `text` that `needle` starts with and does not end with. */
function openEnd(text: Buffer, needle: Buffer): number {
  let length = Math.min(text.length, needle.length - 1);
  while (length > 0 && needle.compare(text, text.length - length, text.length, 0, length) !== 0) length -= 1;
  return length;
}
