import assert from 'node:assert/strict';
import { DataType, DataValue, StatusCode, StatusCodes, VariantArrayType } from 'node-opcua-client';
import { isOverflow, qualityOf, statusName } from '../../../connectors/opcua/protocol/status-code.ts';
import { rawText, toReading } from '../../../connectors/opcua/values/reading.ts';
import { planPoint } from './support.ts';

const { point } = planPoint('press', 'speed', {});
const NOW_MS = Date.UTC(2026, 0, 1);
const number = (value: number) => ({ dataType: DataType.Double, value });

function read(options: ConstructorParameters<typeof DataValue>[0]) {
  return toReading({ point }, new DataValue(options), NOW_MS);
}

describe('OPC UA reading', () => {
  it('keeps value and source time of a good one', () => {
    const sourceTimestamp = new Date(NOW_MS - 5_000);
    assert.deepEqual(read({ value: number(1.5), sourceTimestamp }), {
      point,
      value: 1.5,
      quality: 'good',
      sourceTimeMs: NOW_MS - 5_000,
    });
  });

  it('never hands on the value of a bad one', () => {
    const reading = read({ value: number(1.5), statusCode: StatusCodes.BadSensorFailure });
    assert.deepEqual([reading.value, reading.quality, reading.status], [null, 'bad', 'BadSensorFailure']);
  });

  it('hands on the value of an uncertain one with its status', () => {
    const reading = read({ value: number(1.5), statusCode: StatusCodes.UncertainSubNormal });
    assert.deepEqual([reading.value, reading.quality, reading.status], [1.5, 'uncertain', 'UncertainSubNormal']);
  });

  it('shows what came as type and value, with a status that is not good', () => {
    const shown = (options: ConstructorParameters<typeof DataValue>[0]) => rawText(new DataValue(options));
    assert.equal(shown({ value: number(1.5), sourceTimestamp: new Date(NOW_MS) }), 'Double 1.5');
    assert.equal(
      shown({ value: { dataType: DataType.UInt64, arrayType: VariantArrayType.Scalar, value: [2_097_152, 5] } }),
      'UInt64 9007199254740997',
    );
    const array = { dataType: DataType.Int32, arrayType: VariantArrayType.Array, value: [1, 2] };
    assert.equal(shown({ value: array, statusCode: StatusCodes.UncertainSubNormal }), 'Int32[2] [1,2] UncertainSubNormal');
    assert.equal(shown({ statusCode: StatusCodes.BadNodeIdUnknown }), 'BadNodeIdUnknown');
  });

  it('takes an array as one value', () => {
    const value = { dataType: DataType.Double, arrayType: VariantArrayType.Array, value: [1, 2] };
    assert.deepEqual(read({ value }).value, [1, 2]);
  });

  it('takes no array for a part of it, which servers give that do not know index ranges', () => {
    const { point } = planPoint('press', 'zone', { indexRange: '1:2', path: '[0]' });
    const of = (...value: number[]) =>
      new DataValue({ value: { dataType: DataType.Double, arrayType: VariantArrayType.Array, value } });
    assert.equal(toReading({ point }, of(1, 2), NOW_MS).value, 1);
    const whole = toReading({ point }, of(0, 1, 2), NOW_MS);
    assert.deepEqual([whole.value, whole.status], [null, 'BadIndexRangeInvalid']);
  });

  it('says that a node holds nothing', () => {
    assert.equal(read({ value: { dataType: DataType.Null } }).status, 'BadNoData');
  });

  const IMPLAUSIBLE = { 'the year 1601': Date.UTC(1601, 0, 1), 'next week': NOW_MS + 7 * 86_400_000 };
  for (const [name, timeMs] of Object.entries(IMPLAUSIBLE)) {
    it(`takes the server's time where the source says ${name}, and its own where the server says so too`, () => {
      const sourceTimestamp = new Date(timeMs);
      const serverTimestamp = new Date(NOW_MS - 1_000);
      assert.equal(read({ value: number(1), sourceTimestamp, serverTimestamp }).sourceTimeMs, NOW_MS - 1_000);
      assert.equal(read({ value: number(1), sourceTimestamp, serverTimestamp: sourceTimestamp }).sourceTimeMs, NOW_MS);
    });
  }

  it('names a status without the flags in its low bits', () => {
    assert.equal(statusName(0x80310480), 'BadNoCommunication');
    assert.equal(statusName(0x40900000), 'UncertainLastUsableValue');
    assert.equal(statusName(0x00000480), 'Good');
    assert.equal(statusName(0x8abc0000), '0x8ABC0000');
  });

  it('takes the reserved severity for bad', () => assert.equal(qualityOf(0xc0000000), 'bad'));

  it('sees the overflow of a queue', () => {
    const overflow = StatusCode.makeStatusCode(StatusCodes.Good, 'Overflow | InfoTypeDataValue');
    assert.equal(isOverflow(overflow.value), true);
    assert.equal(isOverflow(0x00000080), false);
    assert.equal(read({ value: number(1), statusCode: overflow }).quality, 'good');
  });
});
