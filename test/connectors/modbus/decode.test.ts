import assert from 'node:assert/strict';
import { decode } from '../../../connectors/modbus/finding/decode.ts';
import { judge } from '../../../connectors/modbus/finding/plausible.ts';
import type { DataType } from '../../../src/model/data-type.ts';
import type { Value } from '../../../src/model/value.ts';
import type { SimulatedModbusDeviceOptions } from '../../../src/simulator/modbus-device.ts';
import type { DecodedRow, Decoding } from '../../../src/southbound/decode-tool.ts';
import type { PointSketch } from './modbus-plan.ts';
import { type Keys, type Plant, startPlant } from './plant.ts';
import { never, openRig, type Rig } from './rig.ts';
import { registersOf } from './value-rig.ts';

describe('decoding a Modbus point in every way', () => {
  let plant: Plant;
  let rig: Rig | undefined;

  afterEach(async () => {
    await rig?.session.close();
    rig = undefined;
    await plant.dispose();
  });

  interface Setting {
    readonly shift?: number;
    readonly device?: SimulatedModbusDeviceOptions;
    readonly settings?: Keys;
    readonly isInRange?: (value: Value) => boolean | undefined;
  }

  const decodeOf = async (point: PointSketch, hex: string, setting: Setting = {}): Promise<Decoding> => {
    plant = await startPlant('modbus-tcp', [1], setting.device);
    const memory = plant.units.get(1)?.memory;
    const registers = registersOf(hex);
    for (let at = 0; at < registers.length; at += 2) memory?.holding.set([registers.readUInt16BE(at)], 100 + at / 2);
    const plan = plant.planOf({ press: { settings: { unit: 1, ...setting.settings }, points: { p: point } } });
    rig = await openRig(plan);
    const [planned] = plan.devices[0]?.points ?? [];
    assert.ok(planned !== undefined);
    const { shift = 0, isInRange = () => undefined } = setting;
    return decode({ session: rig.session, connection: plan, point: planned, shift, isInRange, signal: never });
  };
  const rowOf = ({ rows }: Decoding, type: string, order: string) =>
    rows.find((row: DecodedRow) => row.type === type && row.order === order && row.encoding === undefined);
  const FLOAT = { address: { holding: 100 }, type: 'float32' } as const;

  it('finds the order in which a value makes sense, and says what to write', async () => {
    const decoding = await decodeOf(FLOAT, 'E979 42F6 0000 0000 0000 0000 0000 0000');
    const best = decoding.rows.find(({ number }) => number === decoding.best);
    assert.deepEqual(
      [best?.type, best?.order, best?.value, best?.registers, best?.isPlausible],
      ['float32', 'CDAB', 123.456, 'E979 42F6', true],
    );
    assert.deepEqual(best?.lines, ['p:', '  address: { holding: 100 }', '  type: float32', '  wordOrder: little-endian']);
    assert.equal(rowOf(decoding, 'float32', 'ABCD')?.isPlausible, false);
  });

  it('shows the registers around it', async () => {
    const { place, registers } = await decodeOf(FLOAT, 'E979 42F6');
    assert.equal(place, 'holding: 100');
    assert.deepEqual(registers.slice(1, 5), [
      { at: 'holding: 99', hex: '0063' },
      { at: 'holding: 100', hex: 'E979' },
      { at: 'holding: 101', hex: '42F6' },
      { at: 'holding: 102', hex: '0066' },
    ]);
  });

  it('has every order of four registers', async () => {
    const decoding = await decodeOf({ ...FLOAT, type: 'float64' }, '21FB 4009 2D18 5444');
    const row = rowOf(decoding, 'float64', 'CDABGHEF');
    assert.deepEqual([row?.value, row?.lines.at(-1), decoding.best], [Math.PI, '  wordOrder: big-endian-swapped', row?.number]);
    assert.equal(decoding.rows.filter(({ type }) => type === 'float64').length, 8);
  });

  it('begins where it is told to', async () => {
    const decoding = await decodeOf({ address: { reference: 40_100 }, type: 'float32' }, '42F6 E979', { shift: 1 });
    const best = decoding.rows.find(({ number }) => number === decoding.best);
    assert.deepEqual([best?.value, best?.lines[1]], [123.456, '  address: { reference: 40101 }']);
  });

  it('keeps to the range of the mapping', async () => {
    const isInRange = (value: Value) => Number(value) > 1_000;
    const decoding = await decodeOf({ ...FLOAT, type: 'uint16' }, '0100', { isInRange });
    assert.deepEqual(
      [rowOf(decoding, 'uint16', 'AB')?.reason, rowOf(decoding, 'uint16', 'BA')?.reason],
      ['outside of the range', 'outside of the range'],
    );
    const big = decoding.rows.filter(({ type, isPlausible }) => isPlausible && type === 'uint16');
    assert.deepEqual(big, []);
  });

  it('shows text as long as the mapping says', async () => {
    const decoding = await decodeOf({ address: { holding: 100 }, type: 'string', length: 4 }, '654D 6574 2072 0037');
    const row = rowOf(decoding, 'string', 'BA');
    assert.deepEqual([row?.value, row?.isPlausible], ['Meter 7', true]);
    assert.deepEqual(row?.lines.slice(2), ['  type: string', '  length: 4', '  byteOrder: little-endian']);
  });

  for (const [format, encoding, hex] of [
    ['YYMM DDhh mmss', 'bcd', '2611 2913 0203'],
    ['YYMM DDhh mmss', undefined, '1A0B 1D0D 0203'],
    ['YYYY MMDD hhmm ss..', 'bcd', '2026 1129 1302 0300'],
    ['YYYY MM DD hh mm ss', undefined, '07EA 000B 001D 000D 0002 0003'],
  ] as const) {
    it(`knows a clock by its parts: ${format}${encoding === undefined ? '' : ' in BCD'}`, async () => {
      const keys = encoding === undefined ? {} : { encoding };
      const decoding = await decodeOf({ ...FLOAT, type: 'dateTime', format, ...keys }, hex);
      const best = decoding.rows.find(({ number }) => number === decoding.best);
      assert.deepEqual([best?.value, best?.format, best?.encoding], ['2026-11-29T13:02:03.000Z', format, encoding]);
    });
  }

  it('reads as much as the device has and gives', async () => {
    const device = {
      missing: [
        { table: 'holding', from: 102, to: 65_535 },
        { table: 'holding', from: 0, to: 99 },
      ],
    } as const;
    const holes = await decodeOf(FLOAT, '42F6 E979', { device });
    assert.deepEqual(
      holes.registers.map(({ hex }) => hex),
      ['42F6', 'E979'],
    );
    assert.equal(rowOf(holes, 'float64', 'ABCDEFGH'), undefined);
    await rig?.session.close();
    await plant.dispose();
    const short = await decodeOf(FLOAT, '42F6 E979', { device: { maxRegisters: 2 }, settings: { maxRegistersPerRequest: 2 } });
    assert.equal(rowOf(short, 'float32', 'ABCD')?.value, 123.456);
  });

  it('says so where there is nothing to read, and where a point is no register', async () => {
    const device = { missing: [{ table: 'holding', from: 0, to: 65_535 }] } as const;
    await assert.rejects(decodeOf(FLOAT, '', { device }), { code: 'DEVICE_EXCEPTION' });
    await rig?.session.close();
    await plant.dispose();
    await assert.rejects(decodeOf({ address: { coil: 1 } }, ''), { code: 'USAGE' });
  });
});

describe('plausible values', () => {
  const TABLE: readonly (readonly [DataType, Value, boolean])[] = [
    ['float32', 0, true],
    ['float32', -1e9, true],
    ['float32', 1.1e9, false],
    ['float32', 1e-7, false],
    ['float32', Number.NaN, false],
    ['float64', Number.POSITIVE_INFINITY, false],
    ['int16', -10_000, true],
    ['int16', -10_001, false],
    ['uint16', 60_001, false],
    ['int32', -10_000_000, true],
    ['uint32', 10_000_001, false],
    ['uint64', 1_000_000_000_000n, true],
    ['uint64', 1_000_000_000_001n, false],
    ['dateTime', '2010-01-01T00:00:00.000Z', true],
    ['dateTime', '2009-12-31T23:59:59.000Z', false],
    ['dateTime', '2040-01-01T00:00:00.000Z', false],
    ['string', 'Pump 3', true],
    ['string', 'ab', false],
    ['string', 'ab\u0001c', false],
    ['string', 'ab\uFFFDcdef', false],
    ['string', '䵥瑥爠', false],
    ['string', 'Größe 3', true],
  ];
  for (const [type, value, expected] of TABLE) {
    it(`${expected ? 'are' : 'are not'} ${type} ${value}`, () => {
      assert.equal(judge(type, value, undefined).isPlausible, expected);
    });
  }

  it('are those in the range of the mapping, if their exponent is sane', () => {
    assert.equal(judge('uint32', 4_000_000_000, true).isPlausible, true);
    assert.equal(judge('uint32', 5, false).isPlausible, false);
    assert.equal(judge('float64', 3e-308, true).isPlausible, false);
  });
});
