// What is a file of settings, a line of them, or netrc, what is something else that has an equals sign, and the values.

import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { settingParts } from '../../../src/core/derived/setting-parts.ts';
import { shown } from './made.ts';

const NAME = `a${'b'.repeat(63)}`;

const CASES: Readonly<Record<string, ReadonlyArray<readonly [text: string, parts: readonly string[] | undefined]>>> = {
  'of a file': [
    ['token=a\nuser: b\n', ['secret: a', 'unknown: b']],
    ['  a = b  \r\n\r\n\t\n key=c', ['unknown: b', 'doubtful: c']],
    ['# a b\n; c d\n[section e]\nf=g', ['unknown: g']],
    ['#a=b\n;c=d\n[e=f]\n', undefined],
    ['\n', undefined],
    ['a=b\nwords of a text', undefined],
    ['a=b\n[section', undefined],
    ['a=b\nsection]', undefined],
    ['a=\nb:\ntoken=', []],
    ['a==\nb=c', undefined],
    ['a= =\nb=c', undefined],
    ['=a\nb=c', undefined],
    ['export a=b\nexport\tc=d', undefined],
    ['export a=b\nexport token = c', ['unknown: b', 'secret: c']],
    ['reexport a=b\n', ['unknown: b']],
    ['export =b\n', undefined],
    ['a=b=c\nd=e:f\ng:h=i', ['unknown: b=c', 'unknown: e:f', 'unknown: h=i']],
    [`a="b"\nc='d'\ne= " f " \n`, ['unknown: b', 'unknown: d', 'unknown:  f ']],
    [
      `a="b'\nc='d"\ne="\nf=g"\nh=""\ni=''\nj=kk`,
      ['unknown: "b\'', 'unknown: \'d"', 'unknown: "', 'unknown: g"', 'unknown: kk'],
    ],
    [`${NAME}=a\n`, ['unknown: a']],
    [`${NAME}b=a\n`, undefined],
    ['a.b-c_d e9=f\n', ['unknown: f']],
    ['9a=b\n', undefined],
    ['a/b=c\n', undefined],
    ['"a"=b\n', undefined],
    ['é=b\n', undefined],
    ['{"a":"b",\n"c":"d"}', undefined],
  ],
  'of a line': [
    ['a=b;token=c', ['unknown: b', 'secret: c']],
    ['a=b token=c\td="e"', ['unknown: b', 'secret: c', 'unknown: e']],
    ['a b = c d ; token = e ;', ['unknown: c d', 'secret: e']],
    ['a=b; HttpOnly; c=d', ['unknown: b', 'unknown: d']],
    ['a=b; 9x; c=d', undefined],
    ['a=b HttpOnly c=d', undefined],
    ['a=b  c=d', ['unknown: b', 'unknown: d']],
    ['a=b;;c=d', ['unknown: b', 'unknown: d']],
    // One alone may be anything that has an equals sign in it, but for what its name says.
    ['a=b', undefined],
    ['token=b', ['secret: b']],
    ['key=b', ['doubtful: b']],
    ['key=b;Secure', ['doubtful: b']],
    ['a:b c:d', undefined],
    ['a:b;c:d', undefined],
    ['abc', undefined],
    ['abc;def', undefined],
    ['Zm9vYmFyYmF6==', undefined],
    ['token==', undefined],
    ['token=', undefined],
    ['a=b c=', undefined],
    ['a=b c==', undefined],
    ['a=b c==d', undefined],
    ['=', undefined],
    ['', undefined],
  ],
  'of netrc': [
    ['machine a login b password c', ['secret: c']],
    ['machine a\n\tlogin b\n\n  password  c\nmachine d password e', ['secret: c', 'secret: e']],
    ['default login a password b', ['secret: b']],
    ['\n machine a password b', ['secret: b']],
    ['machine a login b', []],
    ['machine a login password password c', ['secret: password', 'secret: c']],
    ['machine password', []],
    ['machine a password', []],
    ['machines a machine b password c', undefined],
    ['the machine a password b', undefined],
    ['machine\ta\tpassword\tb', ['secret: b']],
    ['machine\na\npassword\nb', ['secret: b']],
    ['machine', undefined],
    ['default', undefined],
    ['default=machine a', undefined],
    ['machine a password b=c d=e', ['secret: b=c']],
  ],
};

for (const [what, rows] of Object.entries(CASES)) {
  void describe(`settings ${what}:`, () => {
    for (const [text, parts] of rows) {
      void test(JSON.stringify(text), () => assert.deepEqual(shown(settingParts, text), parts));
    }
  });
}
