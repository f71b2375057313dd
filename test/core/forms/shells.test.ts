// What real shells print of a value: traces, quoted words, lists of variables. One shell for many values.

import { spawnSync } from 'node:child_process';
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { ASCII, CONTROLS, LETTERS, QUOTES, assertHidden, each, hasTool, needs, valuesOf } from './hiding.ts';

const LOCALES = ['C', 'C.UTF-8'];

const valuesOfEvery = (): string[] => [...valuesOf(ASCII, 50), ...valuesOf(CONTROLS, 50), ...valuesOf(QUOTES, 50)];

/** What a shell traces of `: value`, for one value after the other, without what comes before and after each. */
function traced(shell: string, values: readonly string[], locale: string): Buffer[] {
  const script = `for v in "$@"; do printf '\\0' >&2; set -x; : "$v"; { set +x; } 2>/dev/null; printf '\\0' >&2; done`;
  const { stderr } = spawnSync(shell, [...(shell === 'zsh' ? ['-f'] : []), '-c', script, shell, ...values], {
    env: { ...process.env, LC_ALL: locale, PS4: '+ ' },
  });
  const pieces: Buffer[] = [];
  for (let at = 0; ;) {
    const start = stderr.indexOf(0, at);
    const end = stderr.indexOf(0, start + 1);
    if (start < 0 || end < 0) break;
    pieces.push(stderr.subarray(start + 1, end));
    at = end + 1;
  }
  assert.equal(pieces.length, values.length);
  return pieces;
}

void describe('a value that a shell traces is hidden', () => {
  for (const shell of ['bash', 'dash', 'zsh']) {
    for (const locale of LOCALES) {
      void test(`${shell} -x in locale ${locale}`, needs(shell), () => {
        const values = valuesOfEvery();
        const outputs = traced(shell, values, locale);
        for (const [k, value] of values.entries()) {
          assertHidden(value, outputs[k]!, `${shell} -x`, /^\+ : |\+ set \+x|\+ printf .*$/g);
        }
      });
    }
  }
});

const PRINTED: ReadonlyArray<readonly [shell: string, what: string, print: string, frame?: RegExp]> = [
  ['bash', 'printf %q', `printf %q "$v"`],
  ['bash', '${v@Q}', `printf %s "\${v@Q}"`],
  ['bash', 'declare -p', 'declare -p v', /declare -- v/],
  ['bash', 'set', `set | grep -a '^v='`, /^v/],
  ['dash', 'export -p', `export v; export -p | sed -n '/^export v=/,$p'`, /export v/],
  ['dash', 'set', `set | sed -n '/^v=/,$p'`, /^v/],
  ['zsh', '${(q)v}', `print -rn -- "\${(q)v}"`],
  ['zsh', '${(qq)v}', `print -rn -- "\${(qq)v}"`],
  ['zsh', '${(qqq)v}', `print -rn -- "\${(qqq)v}"`],
  ['zsh', '${(qqqq)v}', `print -rn -- "\${(qqqq)v}"`],
  ['zsh', '${(q+)v}', `print -rn -- "\${(q+)v}"`],
  ['zsh', 'printf %q', `printf %q "$v"`],
  ['zsh', 'typeset -p', 'typeset -p v', /typeset v/],
];

void describe('a value that a shell quotes is hidden', () => {
  for (const [shell, what, print, frame] of PRINTED) {
    for (const locale of LOCALES) {
      void test(`${what} of ${shell} in locale ${locale}`, needs(shell), () => {
        // `set` of bash is cut to lines by grep.
        const isOfLines = print.includes('grep');
        const values = valuesOfEvery().filter((value) => !isOfLines || !value.includes('\n'));
        const outputs = each(shell, `for v in "$@"; do ${print}; printf '\\0'; done`, values, locale);
        for (const [k, value] of values.entries()) assertHidden(value, outputs[k]!, `${what} of ${shell}`, frame);
      });
    }
  }
});

void test('a value in a longer word is hidden too, whichever shell quotes the word', needs('bash'), () => {
  const values = [...valuesOf(ASCII, 40), ...valuesOf(LETTERS, 40)];
  for (const [shell, print] of [
    ['bash', 'printf %q "x=${v}y"'],
    ['zsh', 'print -rn -- "${(qq):-x=${v}y}"'],
  ] as const) {
    if (!hasTool(shell)) continue;
    const outputs = each(shell, `for v in "$@"; do ${print}; printf '\\0'; done`, values);
    for (const [k, value] of values.entries()) {
      assertHidden(value, outputs[k]!, shell, /^(\$?'?x\\?=)|y(?='?$)/g);
    }
  }
});
