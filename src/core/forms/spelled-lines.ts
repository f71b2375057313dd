// Values of several lines: each that says enough is looked for alone, and all of them however they are put together.

import { copied, isDigit, isFrame, isLetter, isSpace, joined, linesOf, trimmed } from '../derived/lines.ts';
import { reversedBytes } from './letters.ts';

/** A line is looked for alone from this many bytes on, or from the second when it looks random. */
const LINE_BYTES_MIN = 16;
const LINE_RANDOM_BYTES_MIN = 8;
const LINE_RANDOM_DISTINCT_MIN = 6;

const LINE_FEED = 0x0a;

/** With both line ends in use, and, but where only parts of the value are secret, each line that says enough. */
export function spellLines(value: Buffer, hasPublicLines: boolean): Buffer[] {
  if (!value.includes(LINE_FEED)) return [];
  const lines = linesOf(value);
  const telling = hasPublicLines ? [] : lines.map((line) => trimmed(line)).filter(isTelling);
  return [joined(lines, '\n'), joined(lines, '\r\n'), ...telling.map((line) => copied(line))];
}

/** On one line with nothing between lines; of a key also without its frame. */
export function spellJoined(value: Buffer): Buffer[] {
  if (!value.includes(LINE_FEED)) return [];
  const lines = linesOf(value).map((line) => trimmed(line));
  const body = lines.filter((line) => !isFrame(line));
  const texts = [joined(lines, '')];
  return body.length < lines.length ? [...texts, joined(body, ''), joined(body, '\n'), joined(body, '\r\n')] : texts;
}

/** Each line that says enough from its last byte to its first, as `rev` writes it. */
export function spellLinesReversed(value: Buffer): Buffer[] {
  if (!value.includes(LINE_FEED)) return [];
  const lines = linesOf(value).filter((line) => isTelling(trimmed(line)));
  return lines.map((line) => reversedBytes(line));
}

/** Whether a line says enough to be looked for alone. */
function isTelling(line: Buffer): boolean {
  if (line.length >= LINE_BYTES_MIN) return !isFrame(line);
  return line.length >= LINE_RANDOM_BYTES_MIN && isMixed(line);
}

/** A cheap sign of a generated value: letters and digits mixed, no space, few bytes twice. */
function isMixed(line: Buffer): boolean {
  const isOfBoth = line.some(isDigit) && line.some(isLetter) && !line.some(isSpace);
  return isOfBoth && new Set(line).size >= LINE_RANDOM_DISTINCT_MIN;
}
