// JSON read as places: what JSON.parse says is the law, and every value can be had as bytes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseSpans, spanAt, stringBytes, type Span } from '../../src/core/json-spans.ts';

function valueOf(bytes: Buffer, span: Span): unknown {
  switch (span.kind) {
    case 'object':
      return Object.fromEntries(span.members.map(({ key, value }) => [key, valueOf(bytes, value)]));
    case 'array':
      return span.items.map((item) => valueOf(bytes, item));
    case 'string':
      return stringBytes(bytes, span)?.toString('utf8') ?? null;
    case 'number':
    case 'true':
    case 'false':
    case 'null':
      return JSON.parse(bytes.subarray(span.start, span.end).toString('utf8'));
  }
}

const json = fc.jsonValue({
  stringUnit: fc.constantFrom('a', '"', '\\', '\n', '\u0000', 'é', '\u2028', '😀', '/', '\t', '�'),
});

test('every JSON text reads as JSON.parse reads it, however it is laid out and escaped', () => {
  fc.assert(
    fc.property(json, fc.constantFrom('', ' ', '\t'), fc.boolean(), (value, indent, isEscaped) => {
      const plain = JSON.stringify(value, null, indent);
      const text = isEscaped
        ? plain.replaceAll(
            /[\u0080-\uffff]/g,
            (unit) => String.raw`\u` + unit.charCodeAt(0).toString(16).padStart(4, '0'),
          )
        : plain;
      const bytes = Buffer.from(text);
      for (const dialect of ['json', 'jsonc'] as const) {
        const span = parseSpans(bytes, dialect);
        assert.ok(span !== null, text);
        assert.deepEqual(valueOf(bytes, span), JSON.parse(text));
      }
    }),
  );
});

test('what JSON.parse refuses is refused, but for a key that is there twice, which is refused here alone', () => {
  const texts = fc.string({ unit: fc.constantFrom(...'{}[]":,\\u0 1-+.eEtrufalsn\n/*'), maxLength: 14 });
  fc.assert(
    fc.property(texts, (text) => {
      let expected: unknown = NaN;
      try {
        expected = JSON.parse(text);
      } catch {
        assert.equal(parseSpans(Buffer.from(text)), null);
        return;
      }
      const bytes = Buffer.from(text);
      const span = parseSpans(bytes);
      if (span !== null && !/\\u/.test(text)) assert.deepEqual(valueOf(bytes, span), expected);
    }),
    { numRuns: 3_000 },
  );
  assert.equal(parseSpans(Buffer.from('{"a":1,"a":2}')), null);
  assert.equal(parseSpans(Buffer.from([0x22, 0xff, 0x22])), null);
  assert.equal(parseSpans(Buffer.from(`${'['.repeat(70)}${']'.repeat(70)}`)), null);
});

test('half of a surrogate pair is no text', () => {
  for (const text of [String.raw`"\ud800"`, String.raw`"\udc00"`, String.raw`"\ud800\u0041"`, String.raw`"\ud83dx"`]) {
    const bytes = Buffer.from(text);
    const span = parseSpans(bytes);
    assert.ok(span !== null);
    assert.equal(stringBytes(bytes, span), null);
  }
});

test('comments and trailing commas are read in jsonc, and in jsonc only', () => {
  const text = '\ufeff// a\n{ /* b */ "x": [1, 2,], // c "x": 3\n "y": {"z": "//no",}, }\n// end';
  const bytes = Buffer.from(text);
  const span = parseSpans(bytes, 'jsonc');
  assert.ok(span !== null);
  assert.deepEqual(valueOf(bytes, span), { x: [1, 2], y: { z: '//no' } });
  assert.equal(spanAt(span, ['y', 'z'])?.kind, 'string');
  assert.equal(spanAt(span, ['x', 'z']), null);
  assert.equal(parseSpans(bytes), null);
  for (const wrong of ['{,}', '[1,,2]', '/* open', '{"a":1}}', '{"a" 1}', ''])
    assert.equal(parseSpans(Buffer.from(wrong), 'jsonc'), null);
});
