import assert from 'node:assert/strict';
import { hexOf, valueRig } from './value-rig.ts';

const masked = (rig: ReturnType<typeof valueRig>, value: Parameters<typeof rig.encode>[0]) => {
  const { registers, mask } = rig.encode(value);
  return [hexOf(registers), hexOf(mask)];
};

describe('bits of Modbus registers', () => {
  const bit = (number: number) => valueRig({ address: { holding: 0, bit: number } });
  const mode = valueRig({ address: { holding: 0, bits: [4, 7] } });

  it('are counted from the least significant', () => {
    assert.deepEqual(
      [0, 1, 14, 15].map((number) => bit(number).read('8001')),
      [true, false, false, true],
    );
  });

  it('are written without the other bits of their register', () => {
    assert.deepEqual(masked(bit(15), false), ['0000', '8000']);
    assert.deepEqual(masked(bit(4), true), ['0010', '0010']);
    assert.deepEqual(masked(bit(4), 1), ['0010', '0010']);
    assert.deepEqual(masked(mode, 3), ['0030', '00F0']);
    assert.deepEqual(masked(valueRig({ type: 'int8' }), -2), ['00FE', '00FF']);
    assert.deepEqual(masked(valueRig({ type: 'uint8', byteOrder: 'little-endian' }), 0x12), ['1200', 'FF00']);
  });

  it('make a number where they are a run', () => {
    assert.equal(mode.read('12A4'), 10);
    assert.equal(valueRig({ address: { holding: 0, bits: [0, 15] } }).read('FFFF'), 65_535);
  });

  it('take no number that needs more of them', () => {
    assert.throws(() => mode.write(16), { code: 'VALUE_OUT_OF_RANGE' });
    assert.throws(() => mode.write(-1), { code: 'VALUE_OUT_OF_RANGE' });
    assert.throws(() => bit(1).write(2), { code: 'VALUE_TYPE' });
  });
});

describe('fields of a Modbus status word', () => {
  const status = valueRig({ fields: { running: 0, alarm: 3, mode: [4, 7] } });
  const wide = valueRig({ type: 'uint32', wordOrder: 'little-endian', fields: { ready: 31, code: [12, 19] } });

  it('become one object', () => {
    assert.deepEqual(status.read('0021'), { running: true, alarm: false, mode: 2 });
  });

  it('are exact where a run is wider than the whole numbers of JavaScript', () => {
    const serial = valueRig({ type: 'uint64', fields: { isOld: 63, number: [0, 62] } });
    assert.deepEqual(serial.read('9000 0000 0000 0001'), { isOld: true, number: 0x1000_0000_0000_0001n });
    assert.deepEqual(masked(serial, { number: 0x1000_0000_0000_0001n }), ['1000 0000 0000 0001', '7FFF FFFF FFFF FFFF']);
  });

  it('are bits of the whole value, in whatever order its registers lie', () => {
    assert.deepEqual(wide.read('A000 800B'), { ready: true, code: 0xba });
    assert.deepEqual(masked(wide, { ready: true, code: 1 }), ['1000 8000', 'F000 800F']);
  });

  it('are written one by one: what a write does not name stays', () => {
    assert.deepEqual(masked(status, { alarm: true }), ['0008', '0008']);
    assert.deepEqual(masked(status, { running: false, mode: 5 }), ['0050', '00F1']);
  });

  for (const [what, value, code] of [
    ['a field that there is not', { stopped: true }, 'VALUE_TYPE'],
    ['nothing', {}, 'VALUE_TYPE'],
    ['a number', 5, 'VALUE_TYPE'],
    ['a field without a value', { running: null }, 'VALUE_TYPE'],
    ['too much for a run', { mode: 16 }, 'VALUE_OUT_OF_RANGE'],
  ] as const) {
    it(`refuse ${what}`, () => assert.throws(() => status.write(value), { code }));
  }
});

describe('arrays in Modbus registers', () => {
  it('are values side by side, each with its own order', () => {
    const rig = valueRig({ type: 'float32', count: 2, wordOrder: 'little-endian' });
    assert.deepEqual(rig.read('E979 42F6 0000 BFC0'), [123.456, -1.5]);
    assert.equal(rig.write([123.456, -1.5]), 'E979 42F6 0000 BFC0');
  });

  it('may be of texts', () => {
    assert.deepEqual(valueRig({ type: 'string', length: 2, count: 2 }).read('4142 0000 4344 4500'), ['AB', 'CDE']);
  });

  it('have null where an element is none', () => {
    assert.deepEqual(valueRig({ type: 'uint16', encoding: 'bcd', count: 3 }).read('0012 0A00 0034'), [12, null, 34]);
    assert.deepEqual(valueRig({ type: 'int16', absent: 'sunspec', count: 2 }).read('8000 0001'), [null, 1]);
  });

  it('take arrays of their length only', () => {
    const rig = valueRig({ type: 'int16', count: 2 });
    assert.throws(() => rig.write([1]), { code: 'VALUE_TYPE' });
    assert.throws(() => rig.write(1), { code: 'VALUE_TYPE' });
    assert.throws(() => rig.write([1, null]), { code: 'VALUE_TYPE', subject: 'device/point[1]' });
    assert.throws(() => rig.write([1, 40_000]), { code: 'VALUE_OUT_OF_RANGE' });
  });
});

describe('values that a Modbus device does not have', () => {
  for (const [type, registers, next] of [
    ['int16', '8000', '8001'],
    ['uint16', 'FFFF', 'FFFE'],
    ['int32', '8000 0000', '8000 0001'],
    ['uint32', 'FFFF FFFF', 'FFFF FFFE'],
    ['int64', '8000 0000 0000 0000', '8000 0000 0000 0001'],
    ['uint64', 'FFFF FFFF FFFF FFFF', 'FFFF FFFF FFFF FFFE'],
    ['float32', '7FC0 0000', '7F7F FFFF'],
    ['float32', 'FFC0 0001', 'FF7F FFFF'],
  ] as const) {
    it(`are ${registers} for ${type} as SunSpec has it`, () => {
      const rig = valueRig({ type, absent: 'sunspec' });
      assert.equal(rig.read(registers), 'BadNoData');
      assert.notEqual(rig.read(next), 'BadNoData');
    });
  }

  it('are texts without a character, and status words of ones', () => {
    assert.equal(valueRig({ type: 'string', length: 2, absent: 'sunspec' }).read('0000 0000'), 'BadNoData');
    assert.equal(valueRig({ type: 'uint32', fields: { on: 0 }, absent: 'sunspec' }).read('FFFF FFFF'), 'BadNoData');
    assert.equal(valueRig({ address: { holding: 0, bit: 0 }, absent: 'sunspec' }).read('FFFF'), 'BadNoData');
  });

  it('are the numbers that the mapping names, as the device holds them or as all their bits', () => {
    const rig = valueRig({ type: 'int16', absent: [32_767, 0x8000] });
    assert.deepEqual(['7FFF', '8000', '7FFE'].map(rig.read), ['BadNoData', 'BadNoData', 32_766]);
    assert.equal(valueRig({ type: 'int32', absent: -1 }).read('FFFF FFFF'), 'BadNoData');
    assert.equal(valueRig({ type: 'float32', absent: -9_999 }).read('C61C 3C00'), 'BadNoData');
    assert.equal(valueRig({ type: 'int64', absent: '0x8000000000000000' }).read('8000 0000 0000 0000'), 'BadNoData');
    assert.equal(valueRig({ type: 'uint16', encoding: 'bcd', absent: 0xffff }).read('FFFF'), 'BadNoData');
    assert.equal(
      valueRig({ type: 'int16', wordOrder: 'little-endian', byteOrder: 'little-endian', absent: 1 }).read('0100'),
      'BadNoData',
    );
  });

  it('are told apart from what cannot be decoded', () => {
    assert.equal(valueRig({ type: 'uint16', encoding: 'bcd', absent: 9_999 }).read('1A00'), 'BadDecodingError');
    assert.equal(valueRig({ type: 'uint32', encoding: 'modulo-10000' }).read('0001 2710'), 'BadDecodingError');
  });
});

describe('Modbus values with an exponent of their own', () => {
  const behind = valueRig({ type: 'int16', exponent: { holding: 103 } });

  it('are the number times ten to the power of it, as people would write it', () => {
    assert.equal(behind.read('0017 0000 0000 FFFF'), 2.3);
    assert.equal(behind.read('FFE9 0000 0000 0002'), -2_300);
    assert.equal(behind.read('0017 0000 0000 0000'), 23);
  });

  it('may have it before them', () => {
    const before = valueRig({ type: 'uint32', wordOrder: 'little-endian', exponent: { reference: 40_099 } });
    assert.equal(before.read('FFFE 0000 04D2 0000'), 12.34);
  });

  it('are absent without it, and no values with one beyond reason', () => {
    const absent = valueRig({ type: 'int16', exponent: { holding: 101 }, absent: 'sunspec' });
    assert.equal(absent.read('0017 8000'), 'BadNoData');
    assert.equal(absent.read('8000 FFFF'), 'BadNoData');
    assert.equal(absent.read('0017 0040'), 'BadDecodingError');
  });

  it('keep 64-bit numbers that a double holds', () => {
    assert.equal(valueRig({ type: 'uint64', exponent: { holding: 104 } }).read('0000 0000 0000 04D2 FFFF'), 123.4);
  });
});

describe('BCD that is written', () => {
  it('takes as many digits as there are', () => {
    const rig = valueRig({ type: 'uint16', encoding: 'bcd' });
    assert.equal(rig.write(9_999), '9999');
    assert.throws(() => rig.write(10_000), { code: 'VALUE_OUT_OF_RANGE' });
    assert.throws(() => rig.write(-1), { code: 'VALUE_OUT_OF_RANGE' });
    assert.throws(() => rig.write(1.5), { code: 'VALUE_TYPE' });
  });

  it('has the same limits in the other decimal forms', () => {
    assert.throws(() => valueRig({ type: 'uint32', encoding: 'modulo-10000' }).write(100_000_000), {
      code: 'VALUE_OUT_OF_RANGE',
    });
    assert.throws(() => valueRig({ type: 'uint32', encoding: 'modulo-10000' }).write(-1), { code: 'VALUE_OUT_OF_RANGE' });
    assert.throws(() => valueRig({ type: 'int16', encoding: 'sign-magnitude' }).write(-32_768), { code: 'VALUE_OUT_OF_RANGE' });
    assert.equal(valueRig({ type: 'int16', encoding: 'sign-magnitude' }).write(-32_767), 'FFFF');
  });
});
