import assert from 'node:assert/strict';
import fc from 'fast-check';
import { checkValue } from '../../src/commands/check-value.ts';
import { parseWide, toDeviceValue } from '../../src/commands/device-value.ts';
import { isSameValue, isTaken } from '../../src/commands/same-value.ts';
import { findTargets } from '../../src/commands/target.ts';
import type { DataType } from '../../src/model/data-type.ts';
import { type ErrorCode, GatewayError } from '../../src/model/error.ts';
import type { WriteRule } from '../../src/model/plan.ts';
import { describeValue, type Value } from '../../src/model/value.ts';
import { command, pointPlan, press } from './plant.ts';

describe('findTargets', () => {
  const device = press([pointPlan('speed', 'uint16', {}), pointPlan('oil', 'int16')]);

  it('finds the points that the mapping lets be written', () => {
    const { found, findings } = findTargets(device, command('1', { speed: 3 }));
    assert.deepEqual([found.map(({ name }) => name), findings], [['speed'], {}]);
  });

  const refused: readonly (readonly [string, ErrorCode])[] = [
    ['oil', 'COMMAND_READ_ONLY'],
    ['spede', 'COMMAND_UNKNOWN'],
    ['constructor', 'COMMAND_UNKNOWN'],
    ['__proto__', 'COMMAND_UNKNOWN'],
  ];
  for (const [name, code] of refused) {
    it(`refuses \`${name}\` with ${code}`, () => {
      const { found, findings } = findTargets(device, command('1', JSON.parse(`{"${name}": 1}`)));
      assert.equal(found.length, 0);
      assert.equal(new Map(Object.entries(findings)).get(name)?.code, code);
    });
  }
});

describe('checkValue', () => {
  const table: readonly (readonly [WriteRule, Value, ErrorCode | undefined])[] = [
    [{}, 3, undefined],
    [{}, Number.NaN, 'VALUE_TYPE'],
    [{}, Number.POSITIVE_INFINITY, 'VALUE_TYPE'],
    [{ min: 0, max: 1500 }, 0, undefined],
    [{ min: 0, max: 1500 }, 1500, undefined],
    [{ min: 0, max: 1500 }, -0.001, 'COMMAND_OUT_OF_RANGE'],
    [{ min: 0, max: 1500 }, 1500.1, 'COMMAND_OUT_OF_RANGE'],
    [{ min: 0, max: 1500 }, 1501n, 'COMMAND_OUT_OF_RANGE'],
    [{ min: 0 }, '3', 'VALUE_TYPE'],
    [{ max: 3 }, true, 'VALUE_TYPE'],
    [{ step: 0.1 }, 0.3, undefined],
    [{ step: 0.1 }, 0.35, 'COMMAND_OUT_OF_RANGE'],
    [{ min: 0.05, step: 0.1 }, 0.35, undefined],
    [{ min: 0.05, step: 0.1 }, 0.3, 'COMMAND_OUT_OF_RANGE'],
    [{ min: -7, step: 5 }, -2n, undefined],
    [{ step: 5 }, true, 'VALUE_TYPE'],
    [{ step: 5 }, [5, 10, 12], 'COMMAND_OUT_OF_RANGE'],
    [{ values: ['auto', 'manual'] }, 'auto', undefined],
    [{ values: ['auto', 'manual'] }, 'Auto', 'COMMAND_OUT_OF_RANGE'],
    [{ values: [1, 2] }, 2n, undefined],
    [{ values: [1, 2] }, true, 'COMMAND_OUT_OF_RANGE'],
    [{ min: 0, max: 10 }, [0, [5, 10n]], undefined],
    [{ min: 0, max: 10 }, [0, [5, 11]], 'COMMAND_OUT_OF_RANGE'],
    [{ min: 0, max: 10 }, [0, 'x'], 'VALUE_TYPE'],
    [{ min: 0, max: 10 }, { speed: 11 }, 'COMMAND_OUT_OF_RANGE'],
    [{ min: 0, max: 10 }, { speed: 1, mode: 'auto' }, 'VALUE_TYPE'],
    [{ values: [1, 2] }, [1, 2, 3], 'COMMAND_OUT_OF_RANGE'],
    [{}, [1, null], 'VALUE_TYPE'],
    [{}, [1, Number.NaN], 'VALUE_TYPE'],
  ];
  for (const [rule, value, code] of table) {
    it(`says ${code ?? 'yes'} to ${typeof value} ${describeValue(value)} under ${JSON.stringify(rule)}`, () => {
      assert.equal(checkValue(rule, value)?.code, code);
    });
  }
});

describe('toDeviceValue', () => {
  const convert = (type: DataType, value: Value) => toDeviceValue(pointPlan('x', type, {}), value, (_plan, told) => told);

  const accepted: readonly (readonly [DataType, Value, Value])[] = [
    ['uint16', 65_535, 65_535],
    ['uint16', 2.9999999999999996, 3],
    ['int8', -128, -128],
    ['int64', 7, 7n],
    ['uint64', 18_446_744_073_709_551_615n, 18_446_744_073_709_551_615n],
    ['int48', -(2 ** 47), -(2 ** 47)],
    ['float16', 65_504, 65_504],
    ['float32', 1.5, 1.5],
    ['float64', 3n, 3],
    ['boolean', false, false],
    ['string', 'on', 'on'],
    ['int16', [1, [2n]], [1, [2]]],
    ['uint64', [1, 2], [1n, 2n]],
    ['dateTime', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'],
  ];
  for (const [type, value, expected] of accepted) {
    it(`makes ${typeof expected} ${expected} of ${typeof value} ${value} for ${type}`, () => {
      assert.deepEqual(convert(type, value), expected);
    });
  }

  const refused: readonly (readonly [DataType, Value, ErrorCode])[] = [
    ['uint16', 65_536, 'VALUE_OUT_OF_RANGE'],
    ['uint16', -1, 'VALUE_OUT_OF_RANGE'],
    ['int8', 128, 'VALUE_OUT_OF_RANGE'],
    ['uint64', -1n, 'VALUE_OUT_OF_RANGE'],
    ['uint16', 2.5, 'VALUE_TYPE'],
    ['uint16', '3', 'VALUE_TYPE'],
    ['uint16', true, 'VALUE_TYPE'],
    ['boolean', 1, 'VALUE_TYPE'],
    ['string', 1, 'VALUE_TYPE'],
    ['int48', 2 ** 47, 'VALUE_OUT_OF_RANGE'],
    ['float16', 65_520, 'VALUE_OUT_OF_RANGE'],
    ['float32', 1e39, 'VALUE_OUT_OF_RANGE'],
    ['float64', Number.NaN, 'VALUE_TYPE'],
    ['dateTime', 'tomorrow', 'VALUE_TYPE'],
    ['int8', [1, 128], 'VALUE_OUT_OF_RANGE'],
    ['int8', [1, 'x'], 'VALUE_TYPE'],
    ['int8', { speed: 1 }, 'VALUE_TYPE'],
    ['float64', [1, Number.NaN], 'VALUE_TYPE'],
  ];
  for (const [type, value, code] of refused) {
    it(`refuses ${typeof value} ${describeValue(value)} for ${type} with ${code}`, () => {
      assert.throws(
        () => convert(type, value),
        (error) => error instanceof GatewayError && error.code === code,
      );
    });
  }

  it('leaves the parts of a whole number to the connector, and of nothing else', () => {
    assert.deepEqual(convert('uint32', { on: true }), { on: true });
    assert.throws(() => convert('float32', { on: true }), { code: 'VALUE_TYPE' });
  });

  it('never lets a number through that the type cannot hold', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        try {
          const held = convert('int16', value);
          return typeof held === 'number' && Number.isInteger(held) && held >= -32_768 && held <= 32_767;
        } catch (error) {
          return error instanceof GatewayError;
        }
      }),
    );
  });

  it('takes 64-bit integers as decimal text, which JSON can carry', () => {
    assert.equal(parseWide('uint64', '18446744073709551615'), 18_446_744_073_709_551_615n);
    assert.equal(parseWide('string', '12'), '12');
    assert.deepEqual(parseWide('int64', ['-5', 6]), [-5n, 6]);
  });
});

describe('isTaken', () => {
  const table: readonly (readonly [DataType | undefined, Value, Value, boolean])[] = [
    ['uint16', 3, 3, true],
    ['uint16', 3, 4, false],
    ['int64', 3n, 3n, true],
    [undefined, 3, 3n, true],
    ['float32', 0.1, Math.fround(0.1), true],
    ['float64', 0.1, Math.fround(0.1), false],
    [undefined, 0.1, Math.fround(0.1), true],
    ['float32', 1, 1.001, false],
    ['boolean', true, false, false],
    ['string', 'on', 'ON', false],
    ['guid', 'AB-1', 'ab-1', true],
    ['dateTime', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z', true],
    ['float32', [0.1, 2], [Math.fround(0.1), 2], true],
    ['uint16', [1, 2], [1], false],
    [undefined, { speed: 3, on: true }, { on: true, speed: 3n }, true],
    [undefined, { speed: 3 }, { speed: 4 }, false],
    ['uint16', { on: true }, { on: true, ready: false }, true],
    ['uint16', { on: true, ready: true }, { on: true }, false],
    ['float16', 0.12345, 0.1235, true],
    ['float16', 0.12, 0.13, false],
    ['dateTime', '2026-01-01T00:00:00.900Z', '2026-01-01T00:00:00.000Z', true],
    ['dateTime', '2026-01-01T00:00:01Z', '2026-01-01T00:00:00Z', false],
  ];
  for (const [type, written, readBack, expected] of table) {
    it(`says ${expected} to ${describeValue(written)} written and ${describeValue(readBack)} read back as ${type ?? 'no declared type'}`, () => {
      assert.equal(isTaken(type, written, readBack), expected);
    });
  }

  it('holds for every float32 that went through the wire', () => {
    fc.assert(fc.property(fc.float({ noNaN: true }), (value) => isTaken('float32', value, Math.fround(value))));
  });

  it('does not take true for 1', () => {
    assert.equal(isSameValue(true, 1), false);
  });
});
