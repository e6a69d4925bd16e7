import assert from 'node:assert/strict';
import { valueRig } from './value-rig.ts';

const dateTime = (keys: Readonly<Record<string, unknown>>) => valueRig({ type: 'dateTime', ...keys });

/** Register layouts as manuals draw them, of 2026-11-29 13:02:03. */
const LAYOUTS: readonly (readonly [manual: string, keys: Readonly<Record<string, unknown>>, registers: string])[] = [
  ['BCD, YYMM DDhh mmss', { format: 'YYMM DDhh mmss', encoding: 'bcd' }, '2611 2913 0203'],
  ['BCD, YYYY MMDD hhmm ss', { format: 'YYYY MMDD hhmm ss..', encoding: 'bcd' }, '2026 1129 1302 0300'],
  ['S7 DATE_AND_TIME', { format: 'YYMM DDhh mmss fff.', encoding: 'bcd' }, '2611 2913 0203 0000'],
  ['a number a register', { format: 'YYYY MM DD hh mm ss' }, '07EA 000B 001D 000D 0002 0003'],
  ['two bytes a register', { format: 'YYMM DDhh mmss' }, '1A0B 1D0D 0203'],
  ['day first', { format: 'DDMM YYYY hhmm ss' }, '1D0B 07EA 0D02 0003'],
  ['IEC 870-5-4, as Schneider Electric meters have it', { encoding: 'cp56time2a' }, '001A 0BFD 0D02 0BB8'],
  [
    'CP56Time2a, byte by byte as on the wire of IEC 60870-5-104',
    { encoding: 'cp56time2a', wordOrder: 'little-endian', byteOrder: 'little-endian' },
    'B80B 020D FD0B 1A00',
  ],
];

describe('date-times in Modbus registers', () => {
  for (const [manual, keys, registers] of LAYOUTS) {
    it(`are read and written as ${manual}: ${registers}`, () => {
      assert.equal(dateTime(keys).read(registers), '2026-11-29T13:02:03.000Z');
      assert.equal(dateTime(keys).write('2026-11-29T13:02:03Z'), registers);
    });
  }

  it('have fractions of a second', () => {
    assert.equal(dateTime({ encoding: 'cp56time2a' }).read('001A 0B1D 0D02 0D78'), '2026-11-29T13:02:03.448Z');
    assert.equal(dateTime({ format: 'YYYY MMDD hhmm ss ffff' }).read('07EA 0B1D 0D02 0003 01C8'), '2026-11-29T13:02:03.456Z');
    const tenths = dateTime({ format: 'YYMM DDhh mmss ff..', encoding: 'bcd' });
    assert.equal(tenths.read('2611 2913 0203 4500'), '2026-11-29T13:02:03.450Z');
    assert.equal(tenths.write('2026-11-29T13:02:03.456Z'), '2611 2913 0203 4500');
  });

  it('of a clock that shows local time are sent as UTC, summer and winter', () => {
    const berlin = dateTime({ format: 'YYYY MMDD hhmm', timeZone: 'Europe/Berlin' });
    assert.equal(berlin.read('07EA 0B1D 0D02'), '2026-11-29T12:02:00.000Z');
    assert.equal(berlin.read('07EA 071D 0D02'), '2026-07-29T11:02:00.000Z');
    assert.equal(berlin.write('2026-07-29T11:02:00Z'), '07EA 071D 0D02');
    assert.equal(dateTime({ format: 'YYYY MMDD hhmm', timeZone: '+05:30' }).read('07EA 071D 0D02'), '2026-07-29T07:32:00.000Z');
  });

  it('of the hour that comes twice mean the first, of the hour left out the time moved on', () => {
    const berlin = dateTime({ format: 'YYYY MMDD hhmm', timeZone: 'Europe/Berlin' });
    assert.equal(berlin.read('07EA 0A19 021E'), '2026-10-25T00:30:00.000Z');
    assert.equal(berlin.read('07EA 031D 021E'), '2026-03-29T01:30:00.000Z');
  });

  for (const [what, keys, registers] of [
    ['a thirteenth month', { format: 'YYYY MMDD' }, '07EA 0D01'],
    ['30 February', { format: 'YYYY MMDD' }, '07EA 021E'],
    ['a clock never set', { format: 'YYMM DDhh mmss', encoding: 'bcd' }, '0000 0000 0000'],
    ['a digit of ten', { format: 'YYMM DDhh mmss', encoding: 'bcd' }, '26A1 2913 0203'],
    ['hour 31', { encoding: 'cp56time2a' }, '001A 0BFD 1F02 0BB8'],
    ['a time past what a date can be', { encoding: 'epoch-milliseconds' }, 'FFFF FFFF FFFF FFFF'],
  ] as const) {
    it(`are none with ${what}`, () => {
      assert.equal(dateTime(keys).read(registers), 'BadDecodingError');
    });
  }

  it('are absent where the device says that its clock is not valid', () => {
    assert.equal(dateTime({ encoding: 'cp56time2a' }).read('001A 0BFD 0D82 0BB8'), 'BadNoData');
    assert.equal(dateTime({ encoding: 'epoch-seconds', absent: 0 }).read('0000 0000'), 'BadNoData');
  });

  for (const [value, code] of [
    ['tomorrow', 'VALUE_TYPE'],
    [5, 'VALUE_TYPE'],
    ['1999-12-31T23:59:59Z', 'VALUE_OUT_OF_RANGE'],
    ['2101-01-01T00:00:00Z', 'VALUE_OUT_OF_RANGE'],
  ] as const) {
    it(`are not written as ${value}`, () => {
      assert.throws(() => dateTime({ encoding: 'cp56time2a' }).write(value), { code });
      assert.throws(() => dateTime({ format: 'YYMM DDhh', encoding: 'bcd' }).write(value), { code });
    });
  }

  it('are not written before 1970 or after 2106 as 32-bit seconds', () => {
    assert.throws(() => dateTime({ encoding: 'epoch-seconds' }).write('1969-12-31T23:59:59Z'), { code: 'VALUE_OUT_OF_RANGE' });
    assert.throws(() => dateTime({ encoding: 'epoch-seconds' }).write('2106-02-07T06:28:16Z'), { code: 'VALUE_OUT_OF_RANGE' });
    assert.equal(dateTime({ encoding: 'epoch-seconds' }).write('2106-02-07T06:28:15Z'), 'FFFF FFFF');
  });
});
