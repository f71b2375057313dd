// Text from elsewhere, made safe to put on a terminal: what is shown is what is there (attacks A01 to A03).

/**
 * Printable ASCII (U+0020 to U+007E) stays; every other code point, lone surrogates too, becomes `\u{hex}`. The result
 * cannot move a cursor, change a direction, join with what stands beside it, or be invisible. Backslashes stay, so a
 * text that already spells `\u{…}` looks the same as the character: whoever must tell them apart escapes those first.
 */
export function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
