import type { DataType } from '../../../src/model/data-type.ts';
import type { Value } from '../../../src/model/value.ts';
import { bitsOf, isFloatType, isNumberType } from '../codec/number-codec.ts';

/** The rules that `PLAUSIBLE_RULES` (src/southbound/decode-tool.ts) tells people. */
const LEAST_FLOAT = 1e-6;
const MOST_FLOAT = 1e9;
const MOST_OF_16_BITS = 60_000;
const LEAST_OF_16_BITS = -10_000;
const MOST_OF_32_BITS = 10_000_000;
const MOST_OF_MORE = 1e12;
const FIRST_YEAR = 2_010;
const LAST_YEAR = 2_039;
const LEAST_CHARACTERS = 3;
const LEAST_ASCII = 2 / 3;

export interface Verdict {
  readonly isPlausible: boolean;
  /** Which rule said so. */
  readonly reason: string;
}

/** `isInRange`: what the mapping's `range` says of it, where it has one. */
export function judge(type: DataType, value: Value, isInRange: boolean | undefined): Verdict {
  if (typeof value === 'string') return type === 'dateTime' ? judgeDate(value) : judgeText(value);
  const number = Number(value);
  if (!isNumberType(type) || !Number.isFinite(number)) return no('not a finite number');
  const verdict = isFloatType(type) ? judgeFloat(Math.abs(number)) : judgeWhole(bitsOf(type), number, isInRange);
  if (!verdict.isPlausible || isInRange === undefined) return verdict;
  return isInRange ? yes('within the range') : no('outside of the range');
}

/** A range says more than the size of a number. */
function judgeWhole(bits: number, number: number, isInRange: boolean | undefined): Verdict {
  if (isInRange === true || bits === 8) return yes('of any size');
  if (bits === 16) return judgeSize(number >= LEAST_OF_16_BITS && number <= MOST_OF_16_BITS);
  return judgeSize(Math.abs(number) <= (bits === 32 ? MOST_OF_32_BITS : MOST_OF_MORE));
}

function judgeFloat(magnitude: number): Verdict {
  const isSane = magnitude === 0 || (magnitude >= LEAST_FLOAT && magnitude <= MOST_FLOAT);
  return isSane ? yes('an exponent as measured values have') : no('a very large or very small exponent');
}

function judgeSize(isSmall: boolean): Verdict {
  return isSmall ? yes('of usual size') : no('very large');
}

function judgeDate(text: string): Verdict {
  const year = Number(text.slice(0, 4));
  return year >= FIRST_YEAR && year <= LAST_YEAR ? yes('a date of our time') : no('a date of another time');
}

function judgeText(text: string): Verdict {
  if (text.length < LEAST_CHARACTERS) return no('hardly a character');
  const isPrintable = /^[\p{L}\p{N}\p{P}\p{S}\p{Zs}]+$/u.test(text) && !text.includes('\uFFFD');
  const isMostlyAscii = text.replace(/[^ -~]/g, '').length >= LEAST_ASCII * text.length;
  return isPrintable && isMostlyAscii ? yes('printable') : no('not printable');
}

const yes = (reason: string): Verdict => ({ isPlausible: true, reason });
const no = (reason: string): Verdict => ({ isPlausible: false, reason });
