import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Value } from '../../../src/model/value.ts';
import { valueRig } from './value-rig.ts';

type Keys = Parameters<typeof valueRig>[0];
type Vector = readonly [what: string, keys: Keys, registers: string, value: Value];

const swapped = { wordOrder: 'big-endian-swapped' };
const crossed = { wordOrder: 'little-endian-swapped' };
const little = { wordOrder: 'little-endian' };
const bytes = { byteOrder: 'little-endian' };

/** Encoded by foreign code or by hand from the definition that is named; none of these registers were made by ours. */
const VECTORS: Readonly<Record<string, readonly Vector[]>> = {
  "Python 3.11 struct.pack('>e')": [
    ['float16 0.1', { type: 'float16' }, '2E66', 0.1],
    ['float16 −1.5', { type: 'float16' }, 'BE00', -1.5],
    ['float16 65504, the greatest', { type: 'float16' }, '7BFF', 65_504],
    ['float16 5.96e-8, the least', { type: 'float16' }, '0001', 6e-8],
    ['float16 1/3', { type: 'float16' }, '3555', 0.3333],
  ],
  'Python 3.11 int.to_bytes(6)': [
    ['int48, the least', { type: 'int48' }, '8000 0000 0000', -(2 ** 47)],
    ['int48 −123456789012', { type: 'int48' }, 'FFE3 4166 E5EC', -123_456_789_012],
    ['uint48, the greatest', { type: 'uint48' }, 'FFFF FFFF FFFF', 2 ** 48 - 1],
    ['uint48 in little-endian words', { type: 'uint48', ...little }, '9ABC 5678 1234', 20_015_998_343_868],
    ['uint48 in little-endian bytes', { type: 'uint48', ...little, ...bytes }, 'BC9A 7856 3412', 20_015_998_343_868],
  ],
  "Python 3.11 struct.pack('>d'), its registers put in order by hand": [
    ['float64 π in ABCDEFGH', { type: 'float64' }, '4009 21FB 5444 2D18', Math.PI],
    ['float64 π in BADCFEHG', { type: 'float64', ...bytes }, '0940 FB21 4454 182D', Math.PI],
    ['float64 π in GHEFCDAB', { type: 'float64', ...little }, '2D18 5444 21FB 4009', Math.PI],
    ['float64 π in HGFEDCBA', { type: 'float64', ...little, ...bytes }, '182D 4454 FB21 0940', Math.PI],
    ['float64 π in CDABGHEF', { type: 'float64', ...swapped }, '21FB 4009 2D18 5444', Math.PI],
    ['float64 π in DCBAHGFE', { type: 'float64', ...swapped, ...bytes }, 'FB21 0940 182D 4454', Math.PI],
    ['float64 π in EFGHABCD', { type: 'float64', ...crossed }, '5444 2D18 4009 21FB', Math.PI],
    ['float64 π in FEHGBADC', { type: 'float64', ...crossed, ...bytes }, '4454 182D 0940 FB21', Math.PI],
    ['int64 in CDABGHEF', { type: 'int64', ...swapped }, 'EF0B EEDD 7EEB 8216', -1_234_567_890_123_456_789n],
    ['uint64 in EFGHABCD', { type: 'uint64', ...crossed }, 'EB1F 0AD2 AB54 A98C', 12_345_678_901_234_567_890n],
  ],
  'two registers in the orders with swapped pairs, so that one default may hold for both widths': [
    ['float32 as CDAB', { type: 'float32', ...swapped }, 'E979 42F6', 123.456],
    ['float32 as ABCD', { type: 'float32', ...crossed }, '42F6 E979', 123.456],
  ],
  'packed BCD, a digit in four bits': [
    ['4 digits', { type: 'uint16', encoding: 'bcd' }, '1234', 1_234],
    ['8 digits', { type: 'uint32', encoding: 'bcd' }, '0012 3456', 123_456],
    ['8 digits, low word first', { type: 'uint32', encoding: 'bcd', ...little }, '3456 0012', 123_456],
    ['12 digits', { type: 'uint48', encoding: 'bcd' }, '1234 5678 9012', 123_456_789_012],
    ['16 digits', { type: 'uint64', encoding: 'bcd' }, '9999 9999 9999 9999', 9_999_999_999_999_999n],
  ],
  'Schneider Electric PowerLogic and ION meters, modulo 10000: value = Σ register × 10000^i': [
    ['mod10k of two registers', { type: 'uint32', encoding: 'modulo-10000', ...little }, '1A85 0001', 16_789],
    ['mod10k of four registers', { type: 'uint64', encoding: 'modulo-10000' }, '0000 0001 270F 0000', 199_990_000n],
  ],
  'sign and magnitude': [
    ['−5 in 16 bits', { type: 'int16', encoding: 'sign-magnitude' }, '8005', -5],
    ['5 in 32 bits', { type: 'int32', encoding: 'sign-magnitude' }, '0000 0005', 5],
    ['−1 in 64 bits', { type: 'int64', encoding: 'sign-magnitude' }, '8000 0000 0000 0001', -1n],
  ],
  'Python 3.11 datetime.timestamp(), 2026-11-29 01:02:03.456 UTC': [
    ['epoch seconds', { type: 'dateTime', encoding: 'epoch-seconds' }, '6B0B 798B', '2026-11-29T01:02:03.000Z'],
    [
      'epoch seconds in 64 bits',
      { type: 'dateTime', encoding: 'epoch-seconds', length: 4 },
      '0000 0000 6B0B 798B',
      '2026-11-29T01:02:03.000Z',
    ],
    [
      'epoch milliseconds',
      { type: 'dateTime', encoding: 'epoch-milliseconds' },
      '0000 01A2 24D2 C8C0',
      '2026-11-29T01:02:03.456Z',
    ],
  ],
};

describe('known values of Modbus registers', () => {
  for (const [origin, vectors] of Object.entries(VECTORS)) {
    describe(origin, () => {
      for (const [what, keys, registers, value] of vectors) {
        it(`${what}: ${registers} is ${value}`, () => {
          const { read, write } = valueRig(keys);
          assert.deepEqual(read(registers), value);
          assert.equal(write(value), registers);
        });
      }
    });
  }
});

/** Every type with every encoding that it has, and around them what may stand around them. */
const KINDS: readonly Keys[] = [
  ...['int8', 'uint8', 'int16', 'float16', 'int48', 'uint64', 'float32', 'float64'].map((type) => ({ type }) as Keys),
  ...['uint16', 'uint32', 'uint48', 'uint64'].flatMap((type) =>
    ['bcd', 'modulo-10000'].map((encoding) => ({ type, encoding }) as Keys),
  ),
  ...['utf8', 'latin1', 'utf16'].flatMap((encoding) =>
    ['end', 'start', 'both', 'none'].map((trim): Keys => ({ type: 'string', length: 5, encoding, trim })),
  ),
  ...['UTC', 'Europe/Berlin', '+05:30'].flatMap((timeZone): Keys[] => [
    { type: 'dateTime', encoding: 'epoch-seconds', length: 4, timeZone },
    { type: 'dateTime', encoding: 'epoch-milliseconds', timeZone },
    { type: 'dateTime', encoding: 'cp56time2a', timeZone },
    { type: 'dateTime', encoding: 'bcd', format: 'YYMM DDhh mmss fff.', timeZone },
    { type: 'dateTime', format: 'YYYY MM DD hh mm ss', timeZone },
  ]),
  { type: 'uint32', fields: { on: 31, code: [3, 20] } },
  { type: 'int32', exponent: { holding: 103 } },
  { type: 'int16', absent: 'sunspec', count: 3 },
];

describe('whatever Modbus registers hold', () => {
  it('is a value or none, never an exception', () => {
    const rigs = KINDS.map((keys) => valueRig(keys));
    const edges = fc.constantFrom(0, 0xff, 0x80, 0x7f);
    const anyBytes = fc.array(fc.oneof(edges, fc.integer({ min: 0, max: 255 })), { minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const wire = Buffer.from(bytes);
        for (const rig of rigs) assert.notEqual(rig.read(wire.subarray(0, 2 * rig.size).toString('hex')), undefined);
      }),
      { numRuns: 400, examples: [[Array.from({ length: 16 }, () => 0xff)]] },
    );
  });
});
