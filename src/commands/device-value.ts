import type { DataType } from '../model/data-type.ts';
import { GatewayError } from '../model/error.ts';
import type { PointPlan } from '../model/plan.ts';
import { describeValue, isScalarOrArray, mapScalars, type Scalar, someScalar, type Value } from '../model/value.ts';
import { integerLimits, isWide, nearlyWhole } from './numeric.ts';

/** JSON has no 64-bit integers, so they may come as decimal text. */
export function parseWide(type: DataType | undefined, wanted: Value): Value {
  if (!isWide(type) || !isScalarOrArray(wanted)) return wanted;
  return mapScalars(wanted, (scalar) => (isDigits(scalar) ? BigInt(scalar) : scalar)) ?? wanted;
}

function isDigits(scalar: Scalar): scalar is string {
  return typeof scalar === 'string' && /^-?\d{1,20}$/.test(scalar);
}

/**
 * The value as the device holds it: operators undone, of the declared type, within its limits; of an array each element. Whether
 * the point takes an array, or an object of parts of an unsigned number, is for the connector to say. Throws VALUE_TYPE or VALUE_OUT_OF_RANGE.
 */
export function toDeviceValue(plan: PointPlan, wanted: Value, invert: (plan: PointPlan, value: Value) => Value): Value {
  return toTyped(plan.point.type, plan.point.id, invert(plan, wanted));
}

/** The same for a value that no operator has changed. `subject`: the point or argument that is meant. */
export function toTyped(type: DataType | undefined, subject: string, value: Value): Value {
  const typed = { type, subject };
  if (someScalar(value, isEndless)) throw wrongType(typed, 'finite numbers', value);
  if (type === undefined) return value;
  if (!isScalarOrArray(value) && type.startsWith('uint')) return value;
  if (!isScalarOrArray(value)) throw wrongType(typed, `${type} or a list of them`, value);
  return mapScalars<Value>(value, (scalar) => toScalar({ type, subject }, scalar)) ?? value;
}

interface Typed<T = DataType | undefined> {
  readonly type: T;
  readonly subject: string;
}

function isEndless(scalar: Scalar): boolean {
  return typeof scalar === 'number' && !Number.isFinite(scalar);
}

function toScalar(typed: Typed<DataType>, value: Scalar): Scalar {
  const { type } = typed;
  if (type === 'boolean') return expectKind(typed, value, 'boolean');
  if (type === 'float16' || type === 'float32' || type === 'float64') return toFloat(typed, value);
  const limits = integerLimits(type);
  return limits === undefined ? toText(typed, value) : toInteger(typed, value, limits);
}

function toFloat(typed: Typed, value: Scalar): Scalar {
  const number = typeof value === 'bigint' ? Number(value) : expectKind(typed, value, 'number');
  const round = typed.type === 'float16' ? Math.f16round : Math.fround;
  if (typed.type !== 'float64' && !Number.isFinite(round(Number(number)))) throw outOfRange(typed, value);
  return number;
}

function toText(typed: Typed, value: Scalar): Scalar {
  const text = String(expectKind(typed, value, 'string'));
  if (typed.type === 'dateTime' && Number.isNaN(Date.parse(text))) throw wrongType(typed, 'an ISO 8601 time', value);
  return text;
}

function toInteger(typed: Typed, value: Scalar, [lowest, highest]: readonly [bigint, bigint]): Scalar {
  const whole = typeof value === 'number' ? nearlyWhole(value) : value;
  if (typeof whole !== 'number' && typeof whole !== 'bigint') throw wrongType(typed, 'a whole number', value);
  if (whole < lowest || whole > highest) throw outOfRange(typed, value);
  return isWide(typed.type) ? BigInt(whole) : Number(whole);
}

function expectKind(typed: Typed, value: Scalar, kind: 'boolean' | 'number' | 'string'): Scalar {
  if (typeof value !== kind) throw wrongType(typed, `a ${kind}`, value);
  return value;
}

function wrongType({ type, subject }: Typed, expected: string, value: Value): GatewayError {
  return new GatewayError(
    'VALUE_TYPE',
    subject,
    `the device holds ${type ?? 'its own type'}: expected ${expected}, got ${describeValue(value)}`,
  );
}

function outOfRange({ type, subject }: Typed, value: Scalar): GatewayError {
  return new GatewayError('VALUE_OUT_OF_RANGE', subject, `${value} does not fit ${type ?? 'the device'}`);
}
