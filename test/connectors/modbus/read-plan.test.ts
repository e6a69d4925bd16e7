import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Block, placePoint, planReads } from '../../../connectors/modbus/read-plan.ts';
import type { DataType } from '../../../src/model/data-type.ts';
import { deviceSettings, type PointSketch, pointOf } from './modbus-plan.ts';

type Keys = Readonly<Record<string, unknown>>;

function plan(sketches: readonly PointSketch[], keys: Keys = {}): readonly Block[] {
  const device = deviceSettings(keys);
  return planReads(
    sketches.map((sketch, index) => placePoint(pointOf(`p${index}`, sketch), device)),
    device,
  );
}

const holding = (address: number, type: DataType = 'uint16'): PointSketch => ({ address: { holding: address }, type });
const requests = (blocks: readonly Block[]) => blocks.map(({ request }) => [request.function, request.address, request.count]);

describe('Modbus read planner', () => {
  it('reads neighbours in one request', () => {
    assert.deepEqual(requests(plan([holding(2), holding(0, 'float32')])), [[3, 0, 3]]);
  });

  it('reads over a gap of at most maxGap unwanted registers', () => {
    assert.deepEqual(requests(plan([holding(0), holding(6)], { maxGap: 5 })), [[3, 0, 7]]);
    assert.deepEqual(requests(plan([holding(0), holding(7)], { maxGap: 5 })), [
      [3, 0, 1],
      [3, 7, 1],
    ]);
  });

  it('asks each table with its own function', () => {
    const points = [
      holding(1),
      { address: { input: 1 }, type: 'int16' as const },
      { address: { coil: 1 } },
      { address: { discrete: 1 } },
    ];
    assert.deepEqual(
      requests(plan(points)).toSorted(([a = 0], [b = 0]) => a - b),
      [1, 2, 3, 4].map((code) => [code, 1, 1]),
    );
  });

  it('never splits a value of several registers over two requests', () => {
    assert.deepEqual(requests(plan([holding(0), holding(1, 'float64')], { maxRegistersPerRequest: 4 })), [
      [3, 0, 1],
      [3, 1, 4],
    ]);
  });

  it('asks at most 125 registers and 2000 bits at once', () => {
    const registers = Array.from({ length: 126 }, (_, address) => holding(address));
    const coils = Array.from({ length: 2_001 }, (_, coil) => ({ address: { coil } }));
    assert.deepEqual(
      requests(plan(registers)).map(([, , count]) => count),
      [125, 1],
    );
    assert.deepEqual(
      requests(plan(coils)).map(([, , count]) => count),
      [2_000, 1],
    );
  });

  it('sees points that lie within others', () => {
    assert.deepEqual(requests(plan([holding(0, 'float64'), holding(1), holding(4)], { maxGap: 0 })), [[3, 0, 5]]);
  });

  it('shifts numbers where the device counts from one, but not references', () => {
    const points = [holding(1), { address: { reference: 40001 }, type: 'uint16' as const }];
    assert.deepEqual(requests(plan(points, { addressBase: 1 })), [[3, 0, 1]]);
  });

  const anyPoint = fc.record({
    address: fc.integer({ min: 0, max: 400 }),
    type: fc.constantFrom<DataType>('int16', 'int32', 'float64'),
  });
  const anyPlan = fc.record({
    points: fc.array(anyPoint, { minLength: 1, maxLength: 60 }),
    maxGap: fc.integer({ min: 0, max: 40 }),
    maxRegistersPerRequest: fc.integer({ min: 4, max: 125 }),
  });

  it('gives every point to exactly one request that covers it whole, within the limits', () => {
    fc.assert(
      fc.property(anyPlan, ({ points, ...limits }) => {
        const blocks = plan(
          points.map(({ address, type }) => holding(address, type)),
          limits,
        );
        assert.equal(
          blocks.reduce((sum, block) => sum + block.points.length, 0),
          points.length,
        );
        for (const { request, points: own } of blocks) {
          assert.ok(request.count <= limits.maxRegistersPerRequest);
          for (const { address, layout } of own) {
            assert.ok(request.address <= address && address + layout.size <= request.address + request.count);
          }
        }
      }),
    );
  });

  it('needs no more requests than any other way to lay windows over the points', () => {
    const small = fc.record({
      points: fc.array(anyPoint, { minLength: 1, maxLength: 12 }),
      max: fc.integer({ min: 4, max: 60 }),
    });
    fc.assert(
      fc.property(small, ({ points, max }) => {
        const sketches = points.map(({ address, type }) => holding(address, type));
        const blocks = plan(sketches, { maxGap: 2_000, maxRegistersPerRequest: max });
        assert.equal(
          blocks.length,
          fewestWindows(
            blocks.flatMap(({ points: own }) => own),
            max,
          ),
        );
      }),
    );
  });
});

/** By dynamic programming over the points in order of address, an independent way to the least number of windows. */
function fewestWindows(points: Block['points'], max: number): number {
  const sorted = points.toSorted((a, b) => a.address - b.address);
  const best = [0];
  for (let end = 1; end <= sorted.length; end += 1) {
    let least = Number.POSITIVE_INFINITY;
    for (let start = end - 1; start >= 0; start -= 1) {
      const window = sorted.slice(start, end);
      const width = Math.max(...window.map(({ address, layout }) => address + layout.size)) - (window[0]?.address ?? 0);
      if (width <= max) least = Math.min(least, (best[start] ?? 0) + 1);
    }
    best.push(least);
  }
  return best[sorted.length] ?? 0;
}
