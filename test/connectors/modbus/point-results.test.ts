import assert from 'node:assert/strict';
import fc from 'fast-check';
import { layoutOf } from '../../../connectors/modbus/codec/layout.ts';
import type { RegisterPoint } from '../../../connectors/modbus/mapping/plan.ts';
import { placePoint } from '../../../connectors/modbus/planning/read-items.ts';
import { oneShots, readings } from '../../../connectors/modbus/polling/point-results.ts';
import { GatewayError } from '../../../src/model/error.ts';
import { deviceSettings, type PointSketch, pointOf } from './modbus-plan.ts';

const TYPES = ['int16', 'uint16', 'int32', 'uint32', 'float32', 'float64', 'int64', 'uint8'] as const;
const ORDERS = ['big-endian', 'little-endian'] as const;

const place = (name: string, sketch: PointSketch) => placePoint(pointOf(name, sketch) as RegisterPoint, deviceSettings());
const request = { function: 3, unit: 1, address: 100, count: 60 } as const;

describe('points out of the answer to a block', () => {
  it('are decoded in its middle as they are alone, in every type and order', () => {
    const bytes = fc.uint8Array({ minLength: 120, maxLength: 120 });
    fc.assert(
      fc.property(bytes, fc.nat({ max: 56 }), (data, start) => {
        const answer = Buffer.from(data);
        for (const type of TYPES)
          for (const wordOrder of ORDERS)
            for (const byteOrder of ORDERS) {
              const one = place('v', { address: { holding: 100 + start }, type, wordOrder, byteOrder });
              const { size, codec } = one.layout;
              const alone = codec.decode(answer.subarray(2 * start, 2 * (start + size)));
              const [reading] = readings.read({ request, points: [one], items: [] }, answer, 5);
              assert.deepEqual([reading?.value, reading?.quality, reading?.sourceTimeMs], [alone, 'good', 5], type);
            }
      }),
      { numRuns: 200 },
    );
  });

  it('have a fast way for the numbers that most points are', () => {
    for (const type of ['int16', 'uint16', 'int32', 'uint32', 'float32', 'float64'] as const)
      for (const wordOrder of ORDERS) {
        const sketch = { address: { holding: 100 }, type, wordOrder };
        assert.ok(layoutOf(pointOf('v', sketch) as RegisterPoint, 0).codec.fast, `${type} ${wordOrder}`);
      }
  });

  it('show people the registers and bits as they came', () => {
    const points = [place('v', { address: { holding: 101 }, type: 'uint32' }), place('b', { address: { holding: 103, bit: 1 } })];
    const answer = Buffer.from('0001000200030002', 'hex');
    const found = oneShots.read({ request, points, items: [] }, answer, 5);
    assert.deepEqual(
      found.map(({ value, raw }) => [value, raw]),
      [
        [0x0002_0003, '0002 0003'],
        [true, '0002'],
      ],
    );
  });

  it('are bad with the reason of their request', () => {
    const error = new GatewayError('DEVICE_TIMEOUT', 'unit 1', 'no answer');
    const failed = oneShots.failed(place('v', { address: { holding: 100 }, type: 'int16' }), error, 7);
    assert.deepEqual([failed.value, failed.quality, failed.status, failed.raw], [null, 'bad', 'BadTimeout', '']);
  });
});
