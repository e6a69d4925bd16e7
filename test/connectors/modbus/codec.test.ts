import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Layout, layoutOf } from '../../../connectors/modbus/codec/layout.ts';
import type { DataType } from '../../../src/model/data-type.ts';
import { shortestFloat32 } from '../../../src/model/float32.ts';
import type { Value } from '../../../src/model/value.ts';
import { type PointSketch, pointOf } from './modbus-plan.ts';

const ORDERS = {
  ABCD: { wordOrder: 'big-endian', byteOrder: 'big-endian' },
  CDAB: { wordOrder: 'little-endian', byteOrder: 'big-endian' },
  BADC: { wordOrder: 'big-endian', byteOrder: 'little-endian' },
  DCBA: { wordOrder: 'little-endian', byteOrder: 'little-endian' },
} as const;
type Order = keyof typeof ORDERS;

function layout(type: DataType, order: Order = 'ABCD', keys: Readonly<Record<string, unknown>> = {}): Layout {
  return layoutFor('value', { address: { holding: 0 }, type, ...ORDERS[order], ...keys });
}

const layoutFor = (name: string, keys: PointSketch) => layoutOf(pointOf(name, keys), 0);
const decodeValue = (bytes: Buffer, { codec }: Layout) => codec.decode(bytes) as Value;
const encodeValue = (value: Value, { codec }: Layout, subject: string) => codec.encode(value, subject).registers;

const registers = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const hex = (bytes: Buffer) => bytes.toString('hex').toUpperCase().match(/.{4}/g)?.join(' ');

describe('Modbus codec', () => {
  const TABLE: readonly (readonly [type: DataType, order: Order, registers: string, value: Value])[] = [
    ['float32', 'ABCD', '42F6 E979', 123.456],
    ['float32', 'CDAB', 'E979 42F6', 123.456],
    ['float32', 'BADC', 'F642 79E9', 123.456],
    ['float32', 'DCBA', '79E9 F642', 123.456],
    ['int32', 'ABCD', 'FFFE 7960', -100_000],
    ['int32', 'CDAB', '7960 FFFE', -100_000],
    ['int32', 'BADC', 'FEFF 6079', -100_000],
    ['int32', 'DCBA', '6079 FEFF', -100_000],
    ['float64', 'ABCD', 'C20B F08E B000 0000', -1.5e10],
    ['float64', 'CDAB', '0000 B000 F08E C20B', -1.5e10],
    ['float64', 'BADC', '0BC2 8EF0 00B0 0000', -1.5e10],
    ['float64', 'DCBA', '0000 00B0 8EF0 0BC2', -1.5e10],
    ['uint64', 'ABCD', 'FFFF FFFF FFFF FFFF', 18_446_744_073_709_551_615n],
    ['int64', 'ABCD', '8000 0000 0000 0000', -9_223_372_036_854_775_808n],
    ['int64', 'CDAB', '0001 0000 0000 0000', 1n],
    ['int16', 'ABCD', '8000', -32_768],
    ['int16', 'BADC', '0080', -32_768],
    ['uint16', 'CDAB', '1234', 0x1234],
  ];
  for (const [type, order, wire, value] of TABLE) {
    it(`reads and writes ${type} ${value} as ${wire} in the order ${order}`, () => {
      assert.equal(decodeValue(registers(wire), layout(type, order)), value);
      assert.equal(hex(encodeValue(value, layout(type, order), 'p')), wire);
    });
  }

  it('keeps NaN and the infinities as numbers', () => {
    assert.ok(Number.isNaN(decodeValue(registers('7FC0 0000'), layout('float32'))));
    assert.equal(decodeValue(registers('FF80 0000'), layout('float32')), Number.NEGATIVE_INFINITY);
    assert.ok(Object.is(decodeValue(registers('8000 0000'), layout('float32')), -0));
  });

  it('reads a byte from the low half of its register, or from the high half in little-endian bytes', () => {
    assert.equal(decodeValue(registers('12FE'), layout('int8')), -2);
    assert.equal(decodeValue(registers('12FE'), layout('uint8', 'BADC')), 0x12);
  });

  it('reads text up to the first NUL, without blanks at the end, whatever the order of words', () => {
    assert.equal(decodeValue(registers('4142 4320 0058'), layout('string', 'ABCD', { length: 3 })), 'ABC');
    assert.equal(decodeValue(registers('4241 2043 2020'), layout('string', 'DCBA', { length: 3 })), 'ABC');
    assert.equal(decodeValue(registers('FF41'), layout('string', 'ABCD', { length: 1 })), '\uFFFDA');
    assert.equal(hex(encodeValue('ABC', layout('string', 'ABCD', { length: 3 }), 'p')), '4142 4300 0000');
  });

  it('carries bytes as base64', () => {
    assert.equal(decodeValue(registers('0001 FF00'), layout('bytes', 'ABCD', { length: 2 })), 'AAH/AA==');
    assert.equal(hex(encodeValue('AAH/AA==', layout('bytes', 'ABCD', { length: 2 }), 'p')), '0001 FF00');
  });

  const REFUSED: readonly (readonly [DataType, Value, string, Readonly<Record<string, unknown>>?])[] = [
    ['int16', 32_768, 'VALUE_OUT_OF_RANGE'],
    ['int16', -32_769, 'VALUE_OUT_OF_RANGE'],
    ['uint16', -1, 'VALUE_OUT_OF_RANGE'],
    ['uint32', 2 ** 32, 'VALUE_OUT_OF_RANGE'],
    ['uint64', 2n ** 64n, 'VALUE_OUT_OF_RANGE'],
    ['float32', 1e39, 'VALUE_OUT_OF_RANGE'],
    ['float32', Number.NaN, 'VALUE_OUT_OF_RANGE'],
    ['float64', Number.POSITIVE_INFINITY, 'VALUE_OUT_OF_RANGE'],
    ['uint16', 20.5, 'VALUE_TYPE'],
    ['uint16', Number.NaN, 'VALUE_TYPE'],
    ['uint16', 'full', 'VALUE_TYPE'],
    ['uint16', true, 'VALUE_TYPE'],
    ['float32', 'full', 'VALUE_TYPE'],
    ['string', 5, 'VALUE_TYPE', { length: 1 }],
    ['string', 'ABC', 'VALUE_OUT_OF_RANGE', { length: 1 }],
  ];
  for (const [type, value, code, keys] of REFUSED) {
    it(`refuses to write ${JSON.stringify(String(value))} as ${type}`, () => {
      assert.throws(() => encodeValue(value, layout(type, 'ABCD', keys), 'press/point'), { code, subject: 'press/point' });
    });
  }

  it('writes what scaling made of a whole number as that number', () => {
    assert.equal(hex(encodeValue(20.3 / 0.1, layout('uint16'), 'p')), '00CB');
  });

  const anyOrder = fc.constantFrom<Order>('ABCD', 'CDAB', 'BADC', 'DCBA');
  const anyValue = fc.oneof(
    fc.tuple(fc.constant<DataType>('int16'), fc.integer({ min: -32_768, max: 32_767 })),
    fc.tuple(fc.constant<DataType>('uint16'), fc.integer({ min: 0, max: 65_535 })),
    fc.tuple(fc.constant<DataType>('int32'), fc.integer()),
    fc.tuple(fc.constant<DataType>('uint32'), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
    fc.tuple(fc.constant<DataType>('int64'), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    fc.tuple(fc.constant<DataType>('uint64'), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
    fc.tuple(fc.constant<DataType>('float32'), fc.float({ noNaN: true, noDefaultInfinity: true }).map(shortestFloat32)),
    fc.tuple(fc.constant<DataType>('float64'), fc.double({ noNaN: true, noDefaultInfinity: true })),
  );

  it('reads back every value that it writes, in every order', () => {
    fc.assert(
      fc.property(anyValue, anyOrder, ([type, value], order) => {
        const bytes = encodeValue(value, layout(type, order), 'p');
        assert.equal(bytes.length, 2 * layout(type, order).size);
        assert.ok(Object.is(decodeValue(bytes, layout(type, order)), value));
      }),
    );
  });

  it('writes back the registers that it read, in every order', () => {
    const integers = fc.constantFrom<DataType>('int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64');
    fc.assert(
      fc.property(integers, anyOrder, fc.uint8Array({ minLength: 8, maxLength: 8 }), (type, order, bytes) => {
        const wire = Buffer.from(bytes).subarray(0, 2 * layout(type, order).size);
        assert.deepEqual(encodeValue(decodeValue(wire, layout(type, order)), layout(type, order), 'p'), wire);
      }),
    );
  });
});
