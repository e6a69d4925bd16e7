import type { GatewayError } from '../../../src/model/error.ts';
import { badReading, type Reading } from '../../../src/model/reading.ts';
import type { Value } from '../../../src/model/value.ts';
import type { OneShot } from '../../../src/southbound/connector.ts';
import { NoValue } from '../codec/codec.ts';
import { toHex } from '../codec/registers.ts';
import type { PlacedPoint } from '../planning/read-items.ts';
import type { Block } from '../planning/read-plan.ts';
import type { Answer } from '../protocol/answer.ts';
import { statusName } from '../protocol/status-name.ts';

/** What is made of each point of a block: readings, or readings with what came over the wire beside them. */
export interface PointResults<Result> {
  read(block: Block, answer: Answer, timeMs: number): readonly Result[];
  failed(place: PlacedPoint, error: GatewayError, timeMs: number): Result;
}

export const readings: PointResults<Reading> = {
  read: ({ points, request: { address } }, answer, timeMs) => {
    const registers = Buffer.isBuffer(answer) ? answer : undefined;
    return points.map((place) => {
      const start = place.address - address;
      const { point, decodeAt } = place;
      if (decodeAt === undefined || registers === undefined) return toReading(place, valueIn(answer, place, start), timeMs);
      return { point, value: decodeAt(registers, 2 * start), quality: 'good', sourceTimeMs: timeMs };
    });
  },
  failed: ({ point }, error, timeMs) => badReading(point, statusName(error), timeMs),
};

export const oneShots: PointResults<OneShot> = {
  read: ({ points, request: { address } }, answer, timeMs) =>
    points.map((place) => {
      const start = place.address - address;
      return { ...toReading(place, valueIn(answer, place, start), timeMs), raw: rawIn(answer, place, start) };
    }),
  failed: (place, error, timeMs) => ({ ...readings.failed(place, error, timeMs), raw: '', reason: error.message }),
};

function toReading({ point }: PlacedPoint, value: Value | NoValue, sourceTimeMs: number): Reading {
  if (value instanceof NoValue) return badReading(point, value.status, sourceTimeMs);
  return { point, value, quality: 'good', sourceTimeMs };
}

/** `start`: registers or bits from the beginning of the answer. */
function valueIn(answer: Answer, { layout: { codec, size, count } }: PlacedPoint, start: number): Value | NoValue {
  if (Buffer.isBuffer(answer)) return codec.decode(answer.subarray(2 * start, 2 * (start + size)));
  const bits = bitsIn(answer, start, size);
  return count === undefined ? bits[0] === true : bits;
}

function rawIn(answer: Answer, { layout: { size } }: PlacedPoint, start: number): string {
  if (Buffer.isBuffer(answer)) return toHex(answer.subarray(2 * start, 2 * (start + size)));
  return bitsIn(answer, start, size).map(Number).join('');
}

function bitsIn(answer: Answer, start: number, size: number): readonly boolean[] {
  return Array.isArray(answer) ? answer.slice(start, start + size) : [];
}
