import type { DataType } from '../model/data-type.ts';
import { GatewayError } from '../model/error.ts';
import type { PointPlan } from '../model/plan.ts';
import type { Value } from '../model/value.ts';
import { integerLimits, isWide, nearlyWhole } from './numeric.ts';

/** JSON has no 64-bit integers, so they may come as decimal text. */
export function parseWide(type: DataType | undefined, wanted: Value): Value {
  return isWide(type) && typeof wanted === 'string' && /^-?\d{1,20}$/.test(wanted) ? BigInt(wanted) : wanted;
}

/** The value as the device holds it: operators undone, of the declared type, within its limits. Throws VALUE_TYPE or VALUE_OUT_OF_RANGE. */
export function toDeviceValue(plan: PointPlan, wanted: Value, invert: (plan: PointPlan, value: Value) => Value): Value {
  const value = invert(plan, wanted);
  const { type } = plan.point;
  if (typeof value === 'number' && !Number.isFinite(value)) throw wrongType(plan, 'a finite number', value);
  if (type === undefined) return value;
  if (type === 'boolean') return expectKind(plan, value, 'boolean');
  if (type === 'float32' || type === 'float64') return toFloat(plan, type, value);
  const limits = integerLimits(type);
  return limits === undefined ? toText(plan, value) : toInteger(plan, value, limits);
}

function toFloat(plan: PointPlan, type: DataType, value: Value): Value {
  const number = typeof value === 'bigint' ? Number(value) : expectKind(plan, value, 'number');
  if (type === 'float32' && !Number.isFinite(Math.fround(Number(number)))) throw outOfRange(plan, value);
  return number;
}

function toText(plan: PointPlan, value: Value): Value {
  const text = String(expectKind(plan, value, 'string'));
  if (plan.point.type === 'dateTime' && Number.isNaN(Date.parse(text))) throw wrongType(plan, 'an ISO 8601 time', value);
  return text;
}

function toInteger(plan: PointPlan, value: Value, [lowest, highest]: readonly [bigint, bigint]): Value {
  const whole = typeof value === 'number' ? nearlyWhole(value) : value;
  if (typeof whole !== 'number' && typeof whole !== 'bigint') throw wrongType(plan, 'a whole number', value);
  if (whole < lowest || whole > highest) throw outOfRange(plan, value);
  return isWide(plan.point.type) ? BigInt(whole) : Number(whole);
}

function expectKind(plan: PointPlan, value: Value, kind: 'boolean' | 'number' | 'string'): Value {
  if (typeof value !== kind) throw wrongType(plan, `a ${kind}`, value);
  return value;
}

function wrongType({ point }: PointPlan, expected: string, value: Value): GatewayError {
  return new GatewayError(
    'VALUE_TYPE',
    point.id,
    `the device holds ${point.type ?? 'its own type'}: expected ${expected}, got ${value}`,
  );
}

function outOfRange({ point }: PointPlan, value: Value): GatewayError {
  return new GatewayError('VALUE_OUT_OF_RANGE', point.id, `${value} does not fit ${point.type ?? 'the device'}`);
}
