// Ways that write some letters of a secret otherwise: shells, languages and formats, each with its own quoting.

import { bytesOf, by, entities, escapes, percent, replacing, shellQuotes, chain, without } from './reading.ts';
import { node, perl, python, shell, type Way } from './way.ts';

const escaped = by(escapes);
const quoted = by(shellQuotes);

const SHELLS: readonly Way[] = [
  shell('bash -x', `bash -xc ': "$V"'`, quoted),
  shell('dash -x', `dash -xc ': "$V"'`, quoted),
  shell('zsh -x', `zsh -xc ': "$V"'`, quoted),
  shell('printf %q', `printf %q "$V"`, quoted),
  shell('${V@Q}', `printf %s "\${V@Q}"`, quoted),
  shell('declare -p', 'declare -p V', quoted),
  shell('export -p of dash', `dash -c 'export -p'`, quoted),
  shell('set', 'set', quoted),
  shell('${(q)V} of zsh', `zsh -c 'print -r -- \${(q)V}'`, quoted),
  shell('${(qq)V} of zsh', `zsh -c 'print -r -- \${(qq)V}'`, quoted),
  python("Python's shlex.quote", '__import__("shlex").quote(v)', quoted),
  shell('a file of that name is not there', 'ls -- "$V"; true', quoted),
  shell('command not found', '"$V"; true', quoted),
  shell('PowerShell quotes', String.raw`printf "'%s'" "$(printf %s "$V" | sed "s/'/''/g")"`, by(replacing("''", "'"))),
];

const LANGUAGES: readonly Way[] = [
  python("Python's repr", 'repr(v)', escaped),
  python("Python's ascii", 'ascii(v)', escaped),
  python('repr of bytes', 'repr(b)', escaped),
  python('pprint of a dictionary', 'pprint.pformat({"key": v}, width=40)', by(chain(without(/'\n\s+'/g), escapes))),
  shell('a Python traceback', `"$PY" -c 'import os; raise KeyError(os.environ["V"])'; true`, escaped),
  shell("ValueError of Python's int", `"$PY" -c 'import os; int(os.environ["V"])'; true`, escaped),
  node('console.log of an object', 'console.log({ key: process.env.V })', by(chain(without(/' \+\n\s+'/g), escapes))),
  node(
    'console.log of a Buffer',
    'console.log(Buffer.from(process.env.V))',
    by((text) => [bytesOfHex(text)]),
  ),
  node('an uncaught error', 'throw new Error(process.env.V)'),
  perl('Data::Dumper', 'use Data::Dumper; print Dumper($ENV{V})', escaped),
  perl('Data::Dumper, Useqq', 'use Data::Dumper; $Data::Dumper::Useqq = 1; print Dumper($ENV{V})', escaped),
  shell('awk', `awk 'BEGIN { printf "[%s]\\n", ENVIRON["V"] }'`),
  python('C, octal', '"".join("\\\\%03o" % x for x in b)', escaped),
  python('C, hex', '"".join("\\\\x%02x" % x for x in b)', escaped),
  python('C, hex in capitals', '"".join("\\\\x%02X" % x for x in b)', escaped),
  python("Go's %+q", 'json.dumps(v)', escaped),
  python('Rust and JavaScript, \\u{…} for each', '"".join("\\\\u{%x}" % ord(c) for c in v)', escaped),
  python('Perl, \\x{…} for each', '"".join("\\\\x{%x}" % ord(c) for c in v)', escaped),
  python(
    'names of characters',
    '"".join("\\\\N{%s}" % unicodedata.name(c, "LINE FEED") for c in v)',
    by(fromNames, lettersAndDigits),
  ),
  python(
    'CSS',
    '"".join("\\\\%x " % ord(c) for c in v)',
    by((text) => [
      text.replaceAll(/\\([\da-f]+) /g, (_m, hex: string) => bytesOf(String.fromCodePoint(Number.parseInt(hex, 16)))),
    ]),
  ),
  shell('sed -n l', `printf '%s\\n' "$V" | sed -n l`, by(chain(without(/\\\n|\$$/gm), escapes))),
  shell(
    'cat -A',
    `printf '%s\\n' "$V" | cat -A`,
    by((text) => [fromCatA(text)]),
  ),
];

const FORMATS: readonly Way[] = [
  python('JSON, ASCII', 'json.dumps({"key": v})', escaped),
  shell('JSON of jq', `printf %s "$V" | jq -Rs '{key: .}'`, escaped),
  node('JSON.stringify', 'console.log(JSON.stringify({ key: process.env.V }))', escaped),
  python('JSON as PHP writes it', 'json.dumps(v).replace("/", "\\\\/")', escaped),
  python('JSON in JSON', 'json.dumps({"body": json.dumps({"key": v})})', by(chain(escapes, escapes))),
  node(
    'JSON in JSON in JSON',
    'let it = process.env.V; for (let k = 0; k < 3; k += 1) it = JSON.stringify({ it }); console.log(it)',
    by(chain(escapes, escapes, escapes)),
  ),
  python('JSON with \\u00XX for each letter', '"".join("\\\\u%04x" % ord(c) for c in v)', escaped),
  python('CSV', `'"' + v.replace('"', '""') + '"'`, by(replacing('""', '"'))),
  python('SQL', `"'" + v.replace("'", "''") + "'"`, by(replacing("''", "'"))),
  python('HTML', 'html.escape(v)', by(entities)),
  python('HTML, decimal', '"".join("&#%d;" % ord(c) for c in v)', by(entities)),
  python('HTML, hex', '"".join("&#x%x;" % ord(c) for c in v)', by(entities)),
  python(
    'a property of Java',
    'v.replace("\\\\", "\\\\\\\\").replace(":", "\\\\:").replace("=", "\\\\=").replace("#", "\\\\#").replace("\\n", "\\\\n")',
    escaped,
  ),
  python(
    'quoted-printable',
    'quopri.encodestring(b)',
    by((text) => [text.replaceAll('=\n', '').replaceAll(/=([\dA-F]{2})/g, (_m, hex: string) => bytesOfHex(hex))]),
  ),
  python('quote of urllib', 'urllib.parse.quote(v)', by(percent)),
  python('quote_plus of urllib', 'urllib.parse.quote_plus(v)', by(percent)),
  python(
    'percent, small letters',
    '"".join(c if c.isalnum() and c.isascii() else "".join("%%%02x" % x for x in c.encode()) for c in v)',
    by(percent),
  ),
  node('encodeURIComponent', 'console.log(encodeURIComponent(process.env.V))', by(percent)),
  node('URLSearchParams', 'console.log(String(new URLSearchParams({ key: process.env.V })))', by(percent)),
  python('percent for each byte', '"".join("%%%02X" % x for x in b)', by(percent)),
  python('percent, twice', 'urllib.parse.quote(urllib.parse.quote(v, safe=""), safe="")', by(chain(percent, percent))),
  python('the password in a DSN', '"postgres://app:%s@db.example/x" % urllib.parse.quote(v, safe="")', by(percent)),
];

export const QUOTED: readonly Way[] = [...SHELLS, ...LANGUAGES, ...FORMATS];

const DIGITS = 'ZERO ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE'.split(' ');

/** Letters and digits by their names in Unicode; the rest is left out, on both sides. */
function fromNames(text: string): string[] {
  const letters = [...text.matchAll(/\\N\{(?:LATIN (SMALL|CAPITAL) LETTER (\w)|DIGIT (\w+))\}/g)].map(
    ([, size, letter = '', digit = '']) => {
      if (size === undefined) return String(DIGITS.indexOf(digit));
      return size === 'SMALL' ? letter.toLowerCase() : letter;
    },
  );
  return [letters.join('')];
}

function lettersAndDigits(secret: string): string {
  return secret.replaceAll(/[^A-Za-z0-9]/g, '');
}

function bytesOfHex(text: string): string {
  return [...text.matchAll(/\b[\da-f]{2}\b/gi)]
    .map(([digits]) => String.fromCharCode(Number.parseInt(digits, 16)))
    .join('');
}

/** `M-C` for 0xC3, `M-)` for 0xA9, `M-^@` for 0x80, `$` at the end of a line. */
function fromCatA(text: string): string {
  return text
    .replaceAll(/\$$/gm, '')
    .replaceAll(/M-\^(.)/g, (_m, letter: string) => String.fromCharCode((letter.charCodeAt(0) ^ 64) | 128))
    .replaceAll(/M-(.)/g, (_m, letter: string) => String.fromCharCode(letter.charCodeAt(0) | 128));
}
