// The output of a run as text that fits into an answer. In JSON a byte can become thirteen: an answer carries its text
// twice, once inside a string. Clients of the MCP SDK hang up on messages over 10 MiB, and the agent would lose its server.

/** Of one stream, in an answer: two streams and the rest have to stay below the 10 MiB of the SDK. */
const JSON_BYTES_MAX = 4.5 * 1024 * 1024;

/** `text`, or its head and tail around a note of what is missing when it would be too large in an answer. */
export function fitText(text: string): { readonly text: string; readonly isCut: boolean } {
  if (text.length * COST_MAX <= JSON_BYTES_MAX || costOf(text) <= JSON_BYTES_MAX) return { text, isCut: false };
  const characters = Array.from(text);
  const head = fitting(characters, JSON_BYTES_MAX / 2);
  const tail = fitting(characters.toReversed(), JSON_BYTES_MAX / 2);
  const left = characters.length - head - tail;
  const note = `\n[${left} characters left out: too many that cannot be shown]\n`;
  const parts = [characters.slice(0, head), [note], characters.slice(characters.length - tail)];
  return { text: parts.map((part) => part.join('')).join(''), isCut: true };
}

function fitting(characters: readonly string[], room: number): number {
  let used = 0;
  let count = 0;
  for (const character of characters) {
    used += costOfCharacter(character.codePointAt(0) ?? 0);
    if (used > room) return count;
    count += 1;
  }
  return count;
}

function costOf(text: string): number {
  let cost = 0;
  for (const character of text) cost += costOfCharacter(character.codePointAt(0) ?? 0);
  return cost;
}

/** `\u0000` and, inside a string, `\\u0000`. */
const COST_MAX = 13;

/** Bytes of a character in JSON and in JSON inside JSON, together (RFC 8259, section 7). */
function costOfCharacter(code: number): number {
  if (code === 0x22 || code === 0x5c) return 6;
  if (code < 0x20) return /[\b\f\n\r\t]/.test(String.fromCharCode(code)) ? 5 : COST_MAX;
  if (code < 0x80) return 2;
  if (code < 0x800) return 4;
  return code < 0x10000 ? 6 : 8;
}
