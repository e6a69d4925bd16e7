import assert from 'node:assert/strict';
import type { WireDataSet, WireMetric, WireTemplate } from './wire.ts';

/** What a host makes of values: from the specification (3.0 §6.4), knowing nothing of the gateway's encoder. */
export type HostValue = null | boolean | number | bigint | string | HostValue[] | { [name: string]: HostValue } | HostTable;

export interface HostTable {
  readonly columns: readonly string[];
  readonly types: readonly number[];
  readonly rows: readonly (readonly HostValue[])[];
}

const FIELD: Readonly<Record<number, keyof WireMetric>> = {
  ...{ 1: 'intValue', 2: 'intValue', 3: 'intValue', 5: 'intValue', 6: 'intValue', 7: 'intValue' },
  ...{ 4: 'longValue', 8: 'longValue', 13: 'longValue', 9: 'floatValue', 10: 'doubleValue', 11: 'booleanValue' },
  ...{ 12: 'stringValue', 14: 'stringValue', 15: 'stringValue', 16: 'datasetValue', 19: 'templateValue', 17: 'bytesValue' },
  ...Object.fromEntries(Array.from({ length: 13 }, (_, index) => [22 + index, 'bytesValue'])),
};

const VALUE_FIELDS = [...new Set(Object.values(FIELD))];

/** Throws where the value is not in the field of its type, or in more than one. */
export function hostValue(metric: WireMetric, datatype: number): HostValue {
  const given = VALUE_FIELDS.filter((field) => metric[field] !== undefined);
  if (metric.isNull === true) {
    assert.deepEqual(given, [], 'a null metric has no value');
    return null;
  }
  const field = FIELD[datatype];
  assert.ok(field !== undefined, `no datatype ${datatype}`);
  assert.deepEqual(given, [field], `a value of datatype ${datatype}`);
  if (datatype >= 22) return arrayOf(Buffer.from(metric.bytesValue ?? []), datatype);
  if (datatype === 16) return tableOf(metric.datasetValue);
  if (datatype === 19) return templateOf(metric.templateValue);
  return scalarOf(metric, datatype);
}

const BITS: Readonly<Record<number, number>> = { 1: 8, 2: 16, 3: 32, 5: 8, 6: 16, 7: 32 };

function scalarOf(metric: WireMetric, datatype: number): HostValue {
  const { intValue = 0, longValue = '0' } = metric;
  if (datatype <= 3) {
    const value = intValue | 0;
    const bits = BITS[datatype] ?? 32;
    assert.equal(value, Number(BigInt.asIntN(bits, BigInt(value))), 'within its bits');
    return value;
  }
  if (datatype >= 5 && datatype <= 7) {
    assert.ok(intValue < 2 ** (BITS[datatype] ?? 32), 'within its bits');
    return intValue;
  }
  if (datatype === 4) return BigInt.asIntN(64, BigInt(longValue));
  if (datatype === 8) return BigInt(longValue);
  if (datatype === 13) return new Date(Number(longValue)).toISOString();
  if (datatype === 17) return Buffer.from(metric.bytesValue ?? []).toString('base64');
  return metric.floatValue ?? metric.doubleValue ?? metric.booleanValue ?? metric.stringValue ?? null;
}

function arrayOf(bytes: Buffer, datatype: number): HostValue[] {
  if (datatype === 32) {
    const count = bytes.readUInt32LE();
    assert.equal(bytes.length, 4 + Math.ceil(count / 8));
    return Array.from(
      { length: count },
      (_, index) => (((bytes[4 + Math.floor(index / 8)] ?? 0) >> (7 - (index % 8))) & 1) === 1,
    );
  }
  if (datatype === 33) {
    if (bytes.length === 0) return [];
    assert.equal(bytes.at(-1), 0, 'each text ends with a zero');
    return bytes.subarray(0, -1).toString('utf8').split('\0');
  }
  const [width, read] = ELEMENTS[datatype] ?? assert.fail(`no array ${datatype}`);
  assert.equal(bytes.length % width, 0);
  return Array.from({ length: bytes.length / width }, (_, index) => read(bytes, index * width));
}

const ELEMENTS: Readonly<Record<number, readonly [number, (bytes: Buffer, at: number) => HostValue]>> = {
  22: [1, (bytes, at) => bytes.readInt8(at)],
  23: [2, (bytes, at) => bytes.readInt16LE(at)],
  24: [4, (bytes, at) => bytes.readInt32LE(at)],
  25: [8, (bytes, at) => bytes.readBigInt64LE(at)],
  26: [1, (bytes, at) => bytes.readUInt8(at)],
  27: [2, (bytes, at) => bytes.readUInt16LE(at)],
  28: [4, (bytes, at) => bytes.readUInt32LE(at)],
  29: [8, (bytes, at) => bytes.readBigUInt64LE(at)],
  30: [4, (bytes, at) => bytes.readFloatLE(at)],
  31: [8, (bytes, at) => bytes.readDoubleLE(at)],
  34: [8, (bytes, at) => new Date(Number(bytes.readBigInt64LE(at))).toISOString()],
};

function tableOf(table: WireDataSet | undefined): HostTable {
  assert.ok(table !== undefined);
  const { numOfColumns, columns, types, rows } = table;
  assert.equal(Number(numOfColumns), columns.length, 'tck-id-payloads-dataset-column-num-headers');
  assert.equal(types.length, columns.length, 'tck-id-payloads-dataset-types-num');
  return { columns, types, rows: rows.map(({ elements }) => rowOf(elements, types)) };
}

function rowOf(elements: readonly WireMetric[], types: readonly number[]): readonly HostValue[] {
  assert.equal(elements.length, types.length, 'tck-id-payloads-dataset-column-size');
  return elements.map((element, index) => (Object.keys(element).length === 0 ? null : hostValue(element, types[index] ?? 0)));
}

function templateOf(template: WireTemplate | undefined): HostValue {
  assert.ok(template !== undefined);
  return Object.fromEntries(template.metrics.map((member) => [member.name ?? '', hostValue(member, member.datatype ?? 0)]));
}
