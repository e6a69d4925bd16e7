import { toUtcMs, toWallTime, type WallTime } from './time-zone.ts';

/**
 * Date-times whose parts lie in registers, as manuals draw them: one group of letters a register, `YYMM DDhh mmss`. In BCD a
 * letter is a digit. Else a group is one number (`YYYY`), or two bytes (`MMDD`). A dot is a digit or, doubled, a byte of no
 * interest, e.g. the day of the week.
 */
export interface DateTimeFormat {
  readonly registers: number;
  /** What the clock shows, as if it were UTC; `undefined`: no such time. */
  read(bytes: Buffer): number | undefined;
  /** `undefined`: a year before or after those that fit. */
  write(shownMs: number): Buffer | undefined;
}

type Letter = 'Y' | 'M' | 'D' | 'h' | 'm' | 's' | 'f' | '.';

interface Part {
  readonly letter: Letter;
  /** In hexadecimal digits from the first register's first. */
  readonly start: number;
  readonly end: number;
  /** How many letters: 2 for a year of this century, 1 to 3 for fractions of a second. */
  readonly letters: number;
}

const LETTERS: Readonly<Record<Exclude<Letter, '.'>, keyof WallTime>> = {
  Y: 'year',
  M: 'month',
  D: 'day',
  h: 'hour',
  m: 'minute',
  s: 'second',
  f: 'millisecond',
};
const CENTURY = 2_000;
const DIGITS_OF_A_REGISTER = 4;

/** `undefined` where the text is no such format. */
export function parseDateTimeFormat(text: string, isBcd: boolean): DateTimeFormat | undefined {
  const groups = text.split(' ');
  if (!groups.every((group) => /^[YMDhmsf.]{1,4}$/.test(group))) return undefined;
  const parts = groups.flatMap((group, index) => (isBcd ? digitParts : numberParts)(group, index * DIGITS_OF_A_REGISTER));
  const letters = parts.map(({ letter }) => letter).filter((letter) => letter !== '.');
  const isWhole = (['Y', 'M', 'D'] as const).every((letter) => letters.includes(letter));
  if (!isWhole || new Set(letters).size !== letters.length) return undefined;
  if (isBcd && !groups.every((group) => group.length === DIGITS_OF_A_REGISTER)) return undefined;
  const base = isBcd ? 10 : 16;
  return {
    registers: groups.length,
    read: (bytes) => readParts(bytes.toString('hex'), parts, base),
    write: (shownMs) => writeParts(toWallTime(shownMs), parts, groups.length, base),
  };
}

function digitParts(group: string, start: number): readonly Part[] {
  return [...group.matchAll(/(.)\1*/g)].map(([run, letter], index, all) => {
    const from = start + all.slice(0, index).reduce((sum, [before]) => sum + before.length, 0);
    return { letter: letter as Letter, start: from, end: from + run.length, letters: run.length };
  });
}

function numberParts(group: string, start: number): readonly Part[] {
  const runs = [...group.matchAll(/(.)\1*/g)].map(([run]) => run);
  const isHalves = runs.length === 2 && runs.every((run) => run.length === 2);
  if (!isHalves && runs.length !== 1) return [];
  const digits = DIGITS_OF_A_REGISTER / runs.length;
  return runs.map((run, index) => {
    const from = start + index * digits;
    return { letter: run.charAt(0) as Letter, start: from, end: from + digits, letters: run.length };
  });
}

function readParts(hex: string, parts: readonly Part[], base: 10 | 16): number | undefined {
  const time: Record<keyof WallTime, number> = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0, millisecond: 0 };
  for (const { letter, start, end, letters } of parts) {
    if (letter === '.') continue;
    const text = hex.slice(start, end);
    if (base === 10 && !/^\d+$/.test(text)) return undefined;
    const number = Number.parseInt(text, base);
    time[LETTERS[letter]] = letter === 'Y' && letters <= 2 ? CENTURY + number : number * fraction(letter, letters, base);
  }
  return toUtcMs(time);
}

function writeParts(time: WallTime, parts: readonly Part[], registers: number, base: 10 | 16): Buffer | undefined {
  const digits = Array.from({ length: registers * DIGITS_OF_A_REGISTER }, () => '0');
  for (const { letter, start, end, letters } of parts) {
    if (letter === '.') continue;
    const value = time[LETTERS[letter]] - (letter === 'Y' && letters <= 2 ? CENTURY : 0);
    const text = Math.floor(value / fraction(letter, letters, base))
      .toString(base)
      .padStart(end - start, '0');
    if (value < 0 || text.length > end - start) return undefined;
    for (let at = start; at < end; at += 1) digits[at] = text[at - start] ?? '0';
  }
  return Buffer.from(digits.join(''), 'hex');
}

/** In BCD `f` are tenths, `ff` hundredths, `fff` thousandths of a second; as a number it is milliseconds. */
function fraction(letter: Letter, letters: number, base: 10 | 16): number {
  return letter === 'f' && base === 10 ? 10 ** (3 - letters) : 1;
}
