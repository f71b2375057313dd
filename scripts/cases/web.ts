// Ways in which a secret is said aloud by who uses it: clients of HTTP that are asked to be verbose. The server is one of
// ours on a loopback port, and answers with the request.

import { base64, by, hex, percent } from './reading.ts';
import { shell, type Way } from './way.ts';

const URL = 'http://127.0.0.1:$PORT/';

/** A header holds no line end, so a key of several lines goes without them. */
const withoutLines = (secret: string): string => secret.replaceAll('\n', '');
const header = `H=$(printf %s "$V" | tr -d '\\n')`;

export const WEB: readonly Way[] = [
  shell(
    'curl -v, a bearer token',
    `${header}; curl -sv -H "Authorization: Bearer $H" ${URL}`,
    by(() => [], withoutLines),
  ),
  shell('curl -v -u', `curl -sv -u "user:$V" ${URL}`, by(base64)),
  shell('curl -v -u, the secret as name', `curl -sv -u "$V:" ${URL}`, by(base64)),
  shell('curl -v, in the query', `curl -sv -G --data-urlencode "key=$V" ${URL}`, by(percent)),
  shell('curl -v, in a form', `curl -sv --data-urlencode "key=$V" ${URL}`, by(percent)),
  shell(
    'curl --trace-ascii',
    `curl -s --trace-ascii - --data-binary "$V" ${URL}`,
    by((text) => [text.replaceAll(/\n[\da-f]{4}: /g, '')]),
  ),
  shell('curl --trace', `curl -s --trace - --data-binary "$V" ${URL}`, by(fromTrace)),
  shell(
    'JSON in the body, and its echo',
    `jq -n '{key: env.V}' | curl -s --data-binary @- ${URL}`,
    by((text) => [text.replaceAll('\\n', '\n').replaceAll('\\"', '"')]),
  ),
];

/** `0010: 73 6b …  sk…`, sixteen bytes a line. */
function fromTrace(text: string): string[] {
  const bytes = text.split('\n').map((line) => (/^[\da-f]{4}: /.test(line) ? line.slice(6, 54) : ''));
  return hex(bytes.join(' '));
}
