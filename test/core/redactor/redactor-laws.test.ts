// Laws of the redactor over made-up secrets and texts, and a second redactor, written another way, that it must equal.

import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { needlesOf, type Needle } from '../../../src/core/redactor/needles.ts';
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

/** Whole text at once, byte by byte: which bytes are covered, and which borders lie inside one needle or part. */
function reference({ sources, text }: Scene): {
  output: Buffer;
  tallies: Map<string, { count: number; forms: Set<string> }>;
} {
  const covered = new Uint8Array(text.length);
  const isInside = new Uint8Array(text.length + 1);
  const hits: Hit[] = sources.flatMap(({ name, value }) =>
    needlesOf(value).flatMap((needle) => hitsOf(text, needle).map((hit) => ({ ...hit, name, form: needle.form }))),
  );
  for (const { at, end } of hits) {
    covered.fill(1, at, end);
    isInside.fill(1, at + 1, end);
  }
  const tallies = new Map<string, { count: number; forms: Set<string> }>();
  const output: Buffer[] = [];
  for (let at = 0; at < text.length;) {
    let end = at + 1;
    if (covered[at] === 0) {
      output.push(text.subarray(at, end));
    } else {
      while (isInside[end] === 1) end += 1;
      const allInSpan = hits.filter((hit) => hit.at >= at && hit.at < end);
      const inSpan = allInSpan.filter((hit) => hit.isWhole || !allInSpan.some((other) => contains(other, hit)));
      const names = [...new Set(inSpan.map(({ name }) => name))].sort();
      for (const name of names) {
        const tally = tallies.get(name) ?? { count: 0, forms: new Set<string>() };
        tallies.set(name, { count: tally.count + 1, forms: tally.forms });
        const own = inSpan.filter((hit) => hit.name === name);
        const whole = own.filter(({ isWhole }) => isWhole);
        for (const { form } of whole.length > 0 ? whole : own) tally.forms.add(form);
      }
      output.push(Buffer.from(`[REDACTED:${names.join(',')}]`));
    }
    at = end;
  }
  return { output: Buffer.concat(output), tallies };
}

function contains(whole: Hit, { at, end }: Hit): boolean {
  return whole.isWhole && whole.at <= at && whole.end >= end;
}

interface Hit {
  readonly at: number;
  readonly end: number;
  readonly isWhole: boolean;
  readonly name: string;
  readonly form: string;
}

/** Every place of the needle; and of each telling part, as far as text and needle agree on both sides of it. */
function hitsOf(text: Buffer, { bytes, isWhole, part }: Needle): Omit<Hit, 'name' | 'form'>[] {
  const hits: Omit<Hit, 'name' | 'form'>[] = [];
  for (let at = isWhole ? text.indexOf(bytes) : -1; at >= 0; at = text.indexOf(bytes, at + 1)) {
    hits.push({ at, end: at + bytes.length, isWhole: true });
  }
  if (!hasTellingParts(bytes, part)) return hits;
  for (let from = 0; from + part <= bytes.length; from += 1) {
    const telling = bytes.subarray(from, from + part);
    for (let at = text.indexOf(telling); at >= 0 && isTelling(telling); at = text.indexOf(telling, at + 1)) {
      let [left, right] = [0, part];
      while (left < from && at > left && text[at - left - 1] === bytes[from - left - 1]) left += 1;
      while (from + right < bytes.length && at + right < text.length && text[at + right] === bytes[from + right])
        right += 1;
      if (!(isWhole && left + right === bytes.length)) hits.push({ at: at - left, end: at + right, isWhole: false });
    }
  }
  return hits;
}

/** Of a needle that has the same four bytes in it more than eight times no parts are looked for. */
function hasTellingParts(bytes: Buffer, part: number): boolean {
  if (part === 0 || !isTelling(bytes) || !windowsOf(bytes, part).some(isTelling)) return false;
  const fours = Map.groupBy(windowsOf(bytes, 4), (four) => four.toString('latin1'));
  return [...fours.values()].every(({ length }) => length <= 8);
}

function windowsOf(bytes: Buffer, length: number): Buffer[] {
  return Array.from({ length: Math.max(0, bytes.length - length + 1) }, (_, at) => bytes.subarray(at, at + length));
}

function isTelling(part: Buffer): boolean {
  const text = part.toString('latin1');
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9/.:_,=?&@;+ \t\r\n-]/].filter((kind) => kind.test(text));
  return new Set(part).size >= 6 && kinds.length >= 2;
}

const bytesOf = (alphabet: string, minLength: number, maxLength: number): fc.Arbitrary<Buffer> =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength }).map((text) => Buffer.from(text));

/** Small alphabets make secrets overlap, repeat and start each other; none of their forms has a byte of a marker. */
const shortValue = fc.oneof(
  { weight: 3, arbitrary: bytesOf('ab', 7, 14) },
  { weight: 2, arbitrary: bytesOf('abc', 8, 30) },
  { weight: 1, arbitrary: bytesOf('aé\n ', 7, 40) },
  { weight: 1, arbitrary: bytesOf('ab/+"\'%é\n', 7, 60) },
  { weight: 2, arbitrary: bytesOf('abcdefXY0123456789#', 12, 40) },
  // Secrets of one vendor begin alike.
  { weight: 2, arbitrary: bytesOf('ab0', 4, 20).map((end) => Buffer.concat([Buffer.from('kX_lve_4a'), end])) },
);
/** With values that are looked for in pieces. */
const tameValue = fc.oneof({ weight: 7, arbitrary: shortValue }, { weight: 1, arbitrary: bytesOf('ab', 500, 700) });
const wildValue = fc.oneof(
  tameValue,
  bytesOf('[]<>{}()*.#_REDACT:,AB', 7, 12),
  fc.uint8Array({ minLength: 7, maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
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
        for (const needle of needlesOf(value)) {
          if (needle.isWhole) assert.ok(!output.includes(needle.bytes), needle.form);
        }
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
        if (needles.some((needle) => hitsOf(candidate, needle).length > 0)) continue;
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
  let [seen, tried] = [0, 0];
  fc.assert(
    fc.property(sceneOf(shortValue), fc.array(start, { minLength: 1, maxLength: 3 }), ({ sources, cuts }, starts) => {
      tried += 1;
      const needles = sources.flatMap(({ value }) => needlesOf(value));
      const parts = starts.map(({ filler, needle, length }) => {
        const bytes = needles[needle % needles.length]?.bytes ?? Buffer.alloc(0);
        return Buffer.concat([filler, bytes.subarray(0, length % bytes.length)]);
      });
      const text = Buffer.concat(parts);
      if (needles.some((needle) => hitsOf(text, needle).length > 0)) return;
      const redactor = new Redactor(NeedleSet.compile(sources));
      let given = 0;
      for (let at = 0, k = 0; at < text.length; k += 1) {
        const chunk = text.subarray(at, at + (cuts[k % cuts.length] ?? 1));
        at += chunk.length;
        given += redactor.push(chunk).length;
        const longest = Math.max(0, ...needles.map((needle) => openEnd(text.subarray(0, at), needle)));
        // Three bytes are known by their hash, and may be taken for others.
        if (at - given !== 3 || longest > 3) assert.equal(at - given, longest);
      }
      seen += 1;
    }),
    { numRuns: RUNS },
  );
  assert.ok(seen > tried / 4, `only ${seen} of ${tried} texts had no needle in them`);
});

/** Length of the longest end of `text` that could still become the needle, or a part of it that is as long as is looked for. */
function openEnd(text: Buffer, { bytes, isWhole, part }: Needle): number {
  const hasParts = hasTellingParts(bytes, part);
  for (let length = Math.min(text.length, bytes.length - 1); length > 0; length -= 1) {
    const end = text.subarray(text.length - length);
    if (isWhole && bytes.subarray(0, length).equals(end)) return length;
    for (let at = hasParts ? bytes.indexOf(end) : -1; at >= 0; at = bytes.indexOf(end, at + 1)) {
      if (at + length < bytes.length && bytes.length - at >= part) return length;
    }
  }
  return 0;
}
