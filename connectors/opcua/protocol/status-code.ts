import { type StatusCode, StatusCodes } from 'node-opcua-client';
import type { Quality } from '../../../src/model/quality.ts';

/** OPC UA Part 4 §7.39: severity in bits 31–30, sub-code down to bit 16, below them flags that say nothing about the value. */
const NAME_MASK = 0xffff_0000;
const INFO_TYPE_MASK = 0x0c00;
const INFO_TYPE_DATA_VALUE = 0x0400;
const OVERFLOW_BIT = 0x80;
const GOOD_OVERLOAD = 0x002f_0000;

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.values(StatusCodes as unknown as Record<string, unknown>)
    .filter((code): code is StatusCode => typeof code === 'object' && code !== null && 'value' in code && 'name' in code)
    .filter(({ value }) => (value & NAME_MASK) >>> 0 === value)
    .map(({ value, name }) => [value, name]),
);

export function qualityOf(code: number): Quality {
  const severity = code >>> 30;
  if (severity === 0) return 'good';
  return severity === 1 ? 'uncertain' : 'bad';
}

/** The symbolic name without flags; a code that no table knows as hexadecimal. */
export function statusName(code: number): string {
  const base = (code & NAME_MASK) >>> 0;
  return NAMES.get(base) ?? `0x${base.toString(16).toUpperCase().padStart(8, '0')}`;
}

/** The server's queue of this item was too short: values before this one are missing. */
export function isOverflow(code: number): boolean {
  return (code & INFO_TYPE_MASK) === INFO_TYPE_DATA_VALUE && (code & OVERFLOW_BIT) !== 0;
}

/** The device is so busy that the server looks at it less often than it promised; the value is good. */
export function isOverload(code: number): boolean {
  return (code & NAME_MASK) >>> 0 === GOOD_OVERLOAD;
}
