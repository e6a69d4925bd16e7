import { isCompound, type Scalar, type Value } from '../../../../model/value.ts';
import { jsonText } from '../json-text.ts';
import type { MetricValue, ScalarValue } from '../payload/payload.ts';
import { fitsInteger, INTEGERS, type IntegerType, isInteger, type ScalarType } from './datatypes.ts';

/** A value in the field its type belongs to. The type holds it (`typeOf`); whatever a text has to hold is written as JSON. */
export function encodeScalar(value: Value, type: ScalarType): ScalarValue | { case: 'bytesValue'; value: Uint8Array } {
  if (type === 'String') return { case: 'stringValue', value: typeof value === 'string' ? value : jsonText(value) };
  const scalar = asScalar(value);
  if (isInteger(type)) return encodeInteger(scalar, type);
  switch (type) {
    case 'Float':
      return { case: 'floatValue', value: Number(scalar) };
    case 'Double':
      return { case: 'doubleValue', value: Number(scalar) };
    case 'Boolean':
      return { case: 'booleanValue', value: scalar === true };
    case 'DateTime':
      return { case: 'longValue', value: BigInt(Date.parse(String(scalar))) };
    case 'UUID':
      return { case: 'stringValue', value: String(scalar) };
    case 'Bytes':
      return { case: 'bytesValue', value: Buffer.from(String(scalar), 'base64') };
  }
}

function asScalar(value: Value): Scalar {
  return isCompound(value) ? jsonText(value) : value;
}

/** Negative numbers as two's complement: of 32 bits in `int_value`, of 64 in `long_value`. */
function encodeInteger(scalar: Scalar, type: IntegerType): ScalarValue {
  const exact = BigInt(scalar);
  return INTEGERS[type].bits === 64
    ? { case: 'longValue', value: BigInt.asUintN(64, exact) }
    : { case: 'intValue', value: Number(BigInt.asUintN(32, exact)) };
}

/**
 * The value in a command for a metric of this type; `undefined`: it is of another type, or out of its range. `sentAs`: the type the
 * command says it has. Of a number any field will do that holds it exactly: hosts differ.
 */
export function decodeScalar(sent: MetricValue, type: ScalarType, sentAs?: ScalarType): Scalar | undefined {
  if (isInteger(type)) return decodeInteger(sent, type, sentAs);
  switch (type) {
    case 'Float':
    case 'Double':
      return decodeNumber(sent, sentAs);
    case 'Boolean':
      return sent.case === 'booleanValue' ? sent.value : undefined;
    case 'DateTime':
      return sent.case === 'longValue' ? decodeTime(sent.value) : undefined;
    case 'Bytes':
      return sent.case === 'bytesValue' ? Buffer.from(sent.value).toString('base64') : undefined;
    default:
      return sent.case === 'stringValue' ? sent.value : undefined;
  }
}

function decodeInteger(sent: MetricValue, type: IntegerType, sentAs: ScalarType | undefined): Scalar | undefined {
  const exact = integerOf(sent, sentAs !== undefined && isInteger(sentAs) ? sentAs : type);
  if (exact === undefined || !fitsInteger(exact, type)) return undefined;
  return INTEGERS[type].bits === 64 ? exact : Number(exact);
}

function decodeNumber(sent: MetricValue, sentAs: ScalarType | undefined): number | undefined {
  if (sent.case === 'floatValue' || sent.case === 'doubleValue') return Number.isFinite(sent.value) ? sent.value : undefined;
  const wide = sent.case === 'intValue' ? 'Int32' : 'Int64';
  const exact = integerOf(sent, sentAs !== undefined && isInteger(sentAs) ? sentAs : wide);
  const number = Number(exact ?? Number.NaN);
  return Number.isSafeInteger(number) ? number : undefined;
}

function integerOf(sent: MetricValue, type: IntegerType): bigint | undefined {
  switch (sent.case) {
    case 'intValue':
    case 'longValue':
      return INTEGERS[type].isSigned ? signed(BigInt(sent.value), INTEGERS[type].bits) : BigInt(sent.value);
    case 'floatValue':
    case 'doubleValue':
      return Number.isSafeInteger(sent.value) ? BigInt(sent.value) : undefined;
    default:
      return undefined;
  }
}

/** Two's complement, extended to 32 or to 64 bits or not at all. */
function signed(exact: bigint, bits: number): bigint {
  if (exact < 2n ** BigInt(bits)) return BigInt.asIntN(bits, exact);
  return BigInt.asIntN(exact < 2n ** 32n ? 32 : 64, exact);
}

const MAX_TIME_MS = 8_640_000_000_000_000n;

function decodeTime(ms: bigint): string | undefined {
  return ms <= MAX_TIME_MS ? new Date(Number(ms)).toISOString() : undefined;
}
