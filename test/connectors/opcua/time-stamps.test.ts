import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { DataType, DataValue, StatusCodes, Variant } from 'node-opcua-client';
import { shareTimeStamps, toTimeStamp } from '../../../connectors/opcua/protocol/time-stamps.ts';

interface OfLibrary {
  bn_hundredNanoSecondFrom1601ToDate(high: number, low: number): [Date, number];
  BinaryStream: new (size: number) => { length: number };
  decodeDataValue(stream: unknown): DataValue;
}

const ofLibrary = createRequire(import.meta.resolve('node-opcua-client'));
const { bn_hundredNanoSecondFrom1601ToDate: theirs } = ofLibrary('node-opcua-date-time') as OfLibrary;

describe('OPC UA time stamps', () => {
  it('are those of the library, to the last hundred nanoseconds', () => {
    const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    // Times of 1601 to 30828, and any bits at all.
    const high = fc.oneof(fc.integer({ min: 0, max: 0x7fffffff }), fc.integer({ min: 31_000_000, max: 32_000_000 }), int32);
    fc.assert(
      fc.property(int32, high, (low, highHalf) => {
        assert.deepEqual(toTimeStamp(low, highHalf), theirs(highHalf, low));
      }),
    );
    for (const [low, highHalf] of [
      [0, 0],
      [-1, -1],
      [-1, 0x7fffffff],
    ] as const) {
      assert.deepEqual(toTimeStamp(low, highHalf), theirs(highHalf, low));
    }
  });

  it('are one object for one millisecond, also among others', () => {
    const [low, high] = [0, 31_000_000];
    const [first] = toTimeStamp(low, high);
    const [later] = toTimeStamp(low + 10_000, high);
    assert.equal(later.getTime() - first.getTime(), 1);
    assert.equal(toTimeStamp(low + 1, high)[0], first);
  });

  it('are what the library gives for the values of a server', () => {
    shareTimeStamps();
    const { BinaryStream } = ofLibrary('node-opcua-binary-stream') as OfLibrary;
    const { decodeDataValue } = ofLibrary('node-opcua-data-value') as OfLibrary;
    const time = new Date('2026-11-29T13:14:15.678Z');
    const decode = () => {
      const stream = new BinaryStream(200);
      new DataValue({
        value: new Variant({ dataType: DataType.Float, value: 1.5 }),
        statusCode: StatusCodes.Good,
        sourceTimestamp: time,
        sourcePicoseconds: 300_000,
        serverTimestamp: time,
      }).encode(stream as never);
      stream.length = 0;
      return decodeDataValue(stream);
    };
    const decoded = decode();
    assert.deepEqual([decoded.sourceTimestamp, decoded.serverTimestamp], [time, time]);
    assert.equal(decoded.sourcePicoseconds, 300_000);
    assert.equal(decode().sourceTimestamp, decoded.serverTimestamp);
  });
});
