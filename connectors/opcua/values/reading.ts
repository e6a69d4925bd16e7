import { DataType, type DataValue } from 'node-opcua-client';
import type { Point } from '../../../src/model/point.ts';
import { badReading, type Reading } from '../../../src/model/reading.ts';
import { describeValue, type Value } from '../../../src/model/value.ts';
import type { OpcuaPoint } from '../mapping/settings.ts';
import { qualityOf, statusName } from '../protocol/status-code.ts';
import { fitsRange } from './index-range.ts';
import { pick, type RawValue, toRaw, type Words } from './raw-value.ts';
import { rawToValue } from './value.ts';

/** What is needed to understand the value of a point. */
export interface ReadablePoint {
  readonly point: Point<OpcuaPoint>;
  /** What the server calls the values of the node, where the mapping wants text. */
  readonly words?: Words;
}

/** Before this no gateway ran: some PLCs send 1601-01-01 until their clock is set. */
const EARLIEST_MS = Date.UTC(2000, 0, 1);
const MAX_AHEAD_MS = 3_600_000;
/** There is nothing at the `path` of the point. */
const NOTHING_THERE = 'BadNoMatch';
/** The server gave more than the part that was asked for. */
const RANGE_IGNORED = 'BadIndexRangeInvalid';
/** A structure whose type the server does not describe, or describes wrongly. */
const NOT_UNDERSTOOD = 'BadDataTypeIdUnknown';

export function toReading(node: ReadablePoint, dataValue: DataValue, nowMs: number): Reading {
  const { point } = node;
  const code = dataValue.statusCode.value;
  const quality = qualityOf(code);
  const sourceTimeMs = sourceTime(dataValue, nowMs);
  if (quality === 'bad') return badReading(point, statusName(code), sourceTimeMs);
  const { enumeration, indexRange } = point.address;
  if (indexRange !== undefined && !fitsRange(dataValue.value, indexRange)) return badReading(point, RANGE_IGNORED, sourceTimeMs);
  const isText = enumeration === 'text';
  const raw = rawOf(node, dataValue);
  if (raw === undefined) return badReading(point, NOTHING_THERE, sourceTimeMs);
  const value = rawToValue(raw, isText);
  if (value === undefined) return badReading(point, NOT_UNDERSTOOD, sourceTimeMs);
  if (quality === 'uncertain') return { point, value, quality, status: statusName(code), sourceTimeMs };
  if (value === null) return badReading(point, 'BadNoData', sourceTimeMs);
  if (isText && raw.words !== undefined && !hasWords(raw.words, value)) {
    return { point, value, quality: 'uncertain', status: 'UncertainEngineeringUnitsExceeded', sourceTimeMs };
  }
  return { point, value, quality, sourceTimeMs };
}

function rawOf({ point, words }: ReadablePoint, { value }: DataValue): RawValue | undefined {
  const whole = toRaw(value);
  const isCountable = whole.dataType <= DataType.Double;
  return pick(words === undefined || !isCountable ? whole : { ...whole, words }, point.address.path ?? []);
}

function hasWords(words: Words, value: Value): boolean {
  const all = [...words.values()];
  return (Array.isArray(value) ? value.flat(8) : [value]).every((word) => typeof word !== 'string' || all.includes(word));
}

/** The device's time, else the server's, else ours. */
function sourceTime({ sourceTimestamp, serverTimestamp }: DataValue, nowMs: number): number {
  return plausibleTime([sourceTimestamp, serverTimestamp], nowMs);
}

/** The first that is plausible, else now. */
export function plausibleTime(times: readonly (Date | null | undefined)[], nowMs: number): number {
  for (const time of times) {
    const timeMs = time?.getTime();
    if (timeMs !== undefined && timeMs >= EARLIEST_MS && timeMs <= nowMs + MAX_AHEAD_MS) return timeMs;
  }
  return nowMs;
}

/** What the server sent, for people: type and value, and its status where that is not good; e.g. `Double 502.5`, `Int32[2] [1,2]`. */
export function rawText({ value, statusCode }: DataValue): string {
  const status = statusCode.isGood() ? [] : [statusName(statusCode.value)];
  if (value === undefined || value === null || value.dataType === DataType.Null) return status[0] ?? 'Null';
  const raw = toRaw(value);
  const type = `${DataType[raw.dataType]}${raw.dimensions.map((length) => `[${length}]`).join('')}`;
  const known = rawToValue(raw);
  return [type, ...(known === undefined ? [] : [describeValue(known)]), ...status].join(' ');
}
