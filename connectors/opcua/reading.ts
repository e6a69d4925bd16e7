import type { DataValue } from 'node-opcua-client';
import type { Point } from '../../src/model/point.ts';
import { badReading, type Reading } from '../../src/model/reading.ts';
import { qualityOf, statusName } from './status-code.ts';
import { toValue } from './value.ts';

/** Before this no gateway ran: some PLCs send 1601-01-01 until their clock is set. */
const EARLIEST_MS = Date.UTC(2000, 0, 1);
const MAX_AHEAD_MS = 3_600_000;

export function toReading(point: Point, dataValue: DataValue, nowMs: number): Reading {
  const code = dataValue.statusCode.value;
  const quality = qualityOf(code);
  const sourceTimeMs = sourceTime(dataValue, nowMs);
  if (quality === 'bad') return badReading(point, statusName(code), sourceTimeMs);
  const value = toValue(dataValue.value);
  if (value === undefined) return badReading(point, 'BadNotSupported', sourceTimeMs);
  if (quality === 'uncertain') return { point, value, quality, status: statusName(code), sourceTimeMs };
  if (value === null) return badReading(point, 'BadNoData', sourceTimeMs);
  return { point, value, quality, sourceTimeMs };
}

/** The device's time, else the server's, else ours: the first that is plausible. */
function sourceTime({ sourceTimestamp, serverTimestamp }: DataValue, nowMs: number): number {
  for (const time of [sourceTimestamp, serverTimestamp]) {
    const timeMs = time?.getTime();
    if (timeMs !== undefined && timeMs >= EARLIEST_MS && timeMs <= nowMs + MAX_AHEAD_MS) return timeMs;
  }
  return nowMs;
}

/** The DataValue as people want to see it, on one line. */
export function rawText(dataValue: DataValue): string {
  return dataValue.toString().replace(/\s+/g, ' ').trim();
}
