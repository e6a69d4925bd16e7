import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { DataType } from '../../../src/model/data-type.ts';
import type { Value } from '../../../src/model/value.ts';
import {
  decodePayload,
  encodePayload,
  type Metric,
  type Payload,
} from '../../../src/northbound/dialects/sparkplug-b/payload/payload.ts';
import { decodeValue } from '../../../src/northbound/dialects/sparkplug-b/values/decode-value.ts';
import { encodeValue } from '../../../src/northbound/dialects/sparkplug-b/values/encode-value.ts';
import {
  datatypeOf,
  join,
  type MetricType,
  signatureOf,
  typeOf,
} from '../../../src/northbound/dialects/sparkplug-b/values/metric-type.ts';
import { type HostValue, hostValue } from '../../support/sparkplug/values.ts';
import { readPayload, writePayload } from '../../support/sparkplug/wire.ts';

const T = 1_767_225_600_000n;
const names = () => '_types_/x';

function metricOf(value: Value, type: MetricType): Metric {
  return { name: 'x', timestamp: T, datatype: datatypeOf(type), value: encodeValue(value, type, names) };
}

/** What another implementation reads. */
function read(value: Value, type: MetricType): HostValue {
  const [metric] = readPayload(encodePayload({ timestamp: T, metrics: [metricOf(value, type)] })).metrics;
  return hostValue(metric ?? assert.fail(), datatypeOf(type));
}

const time = fc.integer({ min: 0, max: 4_102_444_800_000 }).map((ms) => new Date(ms).toISOString());
const text = fc.string({ unit: 'grapheme' }).map((one) => one.toWellFormed());
const SCALARS: Readonly<Record<DataType, fc.Arbitrary<Value>>> = {
  boolean: fc.boolean(),
  int8: fc.integer({ min: -128, max: 127 }),
  uint8: fc.integer({ min: 0, max: 255 }),
  int16: fc.integer({ min: -32_768, max: 32_767 }),
  uint16: fc.integer({ min: 0, max: 65_535 }),
  int32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  int48: fc.integer({ min: -(2 ** 47), max: 2 ** 47 - 1 }),
  uint48: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  float16: fc.float({ noNaN: true, noDefaultInfinity: true }),
  float32: fc.float({ noNaN: true, noDefaultInfinity: true }),
  float64: fc.double({ noNaN: true, noDefaultInfinity: true }),
  string: text,
  dateTime: time,
  bytes: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')),
  guid: fc.uuid(),
};

/** 64-bit numbers are bigint at the host, whatever they were. */
const asHost = (value: Value, type: DataType): unknown =>
  type === 'int48' || type === 'uint48' ? BigInt(value as number) : value;

describe('values of Sparkplug', () => {
  for (const [type, values] of Object.entries(SCALARS) as [DataType, fc.Arbitrary<Value>][]) {
    it(`${type}: a host reads what was there`, () => {
      fc.assert(fc.property(values, (value) => assert.deepEqual(read(value, typeOf(value, type)), asHost(value, type))));
    });

    it(`${type}: what a host writes comes back as it was`, () => {
      const check = (value: Value) => {
        // The foreign library drops empty bytes on its own way from an object to the wire.
        if (value === '' && type === 'bytes') return;
        const metricType = typeOf(value, type);
        const bytes = encodePayload({ metrics: [metricOf(value, metricType)] });
        const [sent] = decodePayload(writePayload(readPayload(bytes))).metrics;
        assert.deepEqual(decodeValue(sent ?? assert.fail(), metricType), asHost(value, type));
      };
      fc.assert(fc.property(values, check));
    });

    it(`${type}: lists`, () => {
      const check = (list: readonly Value[]) => {
        const metricType = typeOf(list, type);
        if (list.length === 0) return;
        assert.deepEqual(
          read(list, metricType),
          list.map((one) => asHost(one, type)),
        );
        assert.deepEqual(
          decodeValue(metricOf(list, metricType), metricType),
          list.map((one) => asHost(one, type)),
        );
      };
      const plain = type === 'string' ? text.filter((one) => !one.includes('\0')) : values;
      fc.assert(fc.property(fc.array(plain, { maxLength: 20 }), check));
    });
  }

  it('a structure comes through member by member', () => {
    const structure = fc.record({
      a: fc.boolean(),
      b: fc.double({ noNaN: true, noDefaultInfinity: true }),
      c: fc.record({ d: text }),
    });
    fc.assert(fc.property(structure, (value) => assert.deepEqual(read(value, typeOf(value)), { ...value, c: { ...value.c } })));
  });

  it('a type only grows, to one that holds all, and then stays', () => {
    const value: fc.Arbitrary<Value> = fc.oneof(
      ...Object.values(SCALARS),
      fc.array(fc.integer()),
      fc.record({ a: fc.integer() }),
    );
    const check = (all: readonly Value[]) => {
      let type: MetricType = { kind: 'unknown' };
      let changes = 0;
      for (const one of [...all, ...all, ...all]) {
        const next = join(type, typeOf(one));
        if (signatureOf(next) !== signatureOf(type)) changes += 1;
        type = next;
        read(one, type);
      }
      assert.ok(changes <= 4, `${changes} births`);
      assert.equal(signatureOf(all.reduce<MetricType>((before, one) => join(before, typeOf(one)), type)), signatureOf(type));
    };
    fc.assert(fc.property(fc.array(value, { minLength: 1, maxLength: 12 }), check));
  });

  it('numbers of a host are taken from any field that holds them, and refused where they do not fit', () => {
    const int16: MetricType = { kind: 'scalar', scalar: 'Int16' };
    const double: MetricType = { kind: 'scalar', scalar: 'Double' };
    const cases: readonly (readonly [Metric, MetricType, Value | undefined])[] = [
      [{ value: { case: 'intValue', value: 0xfffffffb } }, int16, -5],
      [{ value: { case: 'intValue', value: 0xfffb } }, int16, -5],
      [{ value: { case: 'longValue', value: 2n ** 64n - 5n } }, int16, -5],
      [{ value: { case: 'doubleValue', value: -5 } }, int16, -5],
      [{ value: { case: 'doubleValue', value: -5.5 } }, int16, undefined],
      [{ value: { case: 'intValue', value: 70_000 } }, int16, undefined],
      [{ datatype: 3, value: { case: 'intValue', value: 40_000 } }, int16, undefined],
      [{ value: { case: 'booleanValue', value: true } }, int16, undefined],
      [{ value: { case: 'stringValue', value: '5' } }, int16, undefined],
      [{ isNull: true }, int16, undefined],
      [{ value: { case: 'doubleValue', value: Number.NaN } }, double, undefined],
      [{ value: { case: 'intValue', value: 7 } }, double, 7],
      [{ value: { case: 'longValue', value: 2n ** 60n } }, double, undefined],
    ];
    for (const [metric, type, expected] of cases) assert.equal(decodeValue(metric, type), expected);
  });
});

describe('payloads of Sparkplug', () => {
  const VECTORS: Readonly<Record<string, readonly [hex: string, payload: Payload]>> = {
    NDEATH: [
      '0880d0eab6b73312120a0562645365711880d0eab6b73320045800',
      { timestamp: T, metrics: [{ name: 'bdSeq', timestamp: T, datatype: 4, value: { case: 'longValue', value: 0n } }] },
    ],
    DDATA: [
      '0880d0eab6b733121210071880d0eab6b733690000000000803540120f10081880d0eab6b73350fbffffff0f1802',
      {
        timestamp: T,
        seq: 2n,
        metrics: [
          { alias: 7n, timestamp: T, value: { case: 'doubleValue', value: 21.5 } },
          { alias: 8n, timestamp: T, value: { case: 'intValue', value: 4_294_967_291 } },
        ],
      },
    ],
    history: [
      '0880d0eab6b7331214100718a0fbe6b6b73328016900000000000034401803',
      {
        timestamp: T,
        seq: 3n,
        metrics: [{ alias: 7n, timestamp: T - 60_000n, isHistorical: true, value: { case: 'doubleValue', value: 20 } }],
      },
    ],
    DBIRTH: [
      '0880d0eab6b733122b0a0b54656d706572617475726510071880d0eab6b733200a38014a0f0a075175616c6974791204080318001801',
      {
        timestamp: T,
        seq: 1n,
        metrics: [
          {
            ...{ name: 'Temperature', alias: 7n, timestamp: T, datatype: 10, isNull: true },
            properties: { keys: ['Quality'], values: [{ type: 3, value: { case: 'intValue', value: 0 } }] },
          },
        ],
      },
    ],
  };

  for (const [name, [hex, payload]] of Object.entries(VECTORS)) {
    it(`${name} is byte for byte as it should be`, () => {
      assert.equal(Buffer.from(encodePayload(payload)).toString('hex'), hex);
      assert.deepEqual(decodePayload(Buffer.from(hex, 'hex')), payload);
    });
  }
});
