// Text of others as text that cannot move a cursor, hide, turn around or pass for something else (A01, A02, A03).

/**
 * Every character outside printable ASCII (space to ~) as `\u{…}` with the code point in lower-case hexadecimal, a lone
 * surrogate by its code unit, and a backslash doubled: different texts never become the same text.
 */
export function printable(text: string): string {
  return text.replaceAll(/\\|[^\x20-\x7e]/gu, (character) =>
    character === '\\' ? '\\\\' : `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
