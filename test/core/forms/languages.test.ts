// What Perl and Go print of a value between quotes. One process for many values.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { CONTROLS, LETTERS, QUOTES, assertHidden, needs, valuesOf } from './hiding.ts';

const PERL = `
use Data::Dumper; use JSON::PP; binmode STDOUT;
$Data::Dumper::Terse = 1; $Data::Dumper::Indent = 0;
my $values = decode_json(do { local $/; <STDIN> });
for my $text (@$values) {
  my $bytes = $text; utf8::encode($bytes);
  $Data::Dumper::Useqq = 0; print Dumper($bytes), "\\0";
  $Data::Dumper::Useqq = 1; print Dumper($bytes), "\\0";
  utf8::upgrade($text); print Dumper($text), "\\0";
  print join('', map { sprintf '\\\\x{%x}', ord } split //, $text), "\\0";
}
`;

const GO = `package main
import ("encoding/json"; "fmt"; "html"; "net/url"; "os")
func main() {
	var values []string
	json.NewDecoder(os.Stdin).Decode(&values)
	for _, v := range values {
		body, _ := json.Marshal(v)
		fmt.Printf("%q\\x00%+q\\x00%s\\x00%s\\x00%s\\x00%s\\x00%x\\x00% x\\x00%X\\x00",
			v, v, body, html.EscapeString(v), url.QueryEscape(v), url.PathEscape(v), v, v, v)
	}
}
`;

function assertAllHidden(printed: Buffer, values: readonly string[], forms: number, tool: string): void {
  const outputs = printed.toString('latin1').split('\0').slice(0, -1);
  assert.equal(outputs.length, forms * values.length);
  for (const [k, output] of outputs.entries()) {
    assertHidden(values[Math.floor(k / forms)]!, Buffer.from(output, 'latin1'), `${tool}, form ${k % forms}`);
  }
}

const valuesOfEvery = (): string[] => [...valuesOf(LETTERS, 40), ...valuesOf(CONTROLS, 40), ...valuesOf(QUOTES, 20)];

void test('what Perl dumps of a value is hidden', needs('perl'), () => {
  const values = valuesOfEvery();
  assertAllHidden(execFileSync('perl', ['-e', PERL], { input: JSON.stringify(values) }), values, 4, 'perl');
});

void test('what Go prints of a value is hidden', needs('go'), () => {
  const folder = mkdtempSync(join(tmpdir(), 'keystile-go-'));
  try {
    writeFileSync(join(folder, 'main.go'), GO);
    const env = { ...process.env, GOFLAGS: '', GO111MODULE: 'off', GOCACHE: join(folder, 'cache') };
    const values = valuesOfEvery();
    const printed = execFileSync('go', ['run', 'main.go'], { cwd: folder, env, input: JSON.stringify(values) });
    assertAllHidden(printed, values, 9, 'go');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
