import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Table } from '../../../connectors/modbus/mapping/address.ts';
import { readCost } from '../../../connectors/modbus/planning/read-cost.ts';
import { placePoint, type Range } from '../../../connectors/modbus/planning/read-items.ts';
import { type Block, planReads, type ReadPlan } from '../../../connectors/modbus/planning/read-plan.ts';
import type { DataType } from '../../../src/model/data-type.ts';
import { cheapestByBruteForce } from './brute-force-plan.ts';
import { deviceSettings, type PointSketch, planOf, pointOf } from './modbus-plan.ts';

type Keys = Readonly<Record<string, unknown>>;

const AT_9600 = readCost(planOf('modbus-rtu', { port: '/dev/x', baudRate: 9_600 }, {}));
const TCP = readCost(planOf('modbus-tcp', { host: 'plc' }, {}));

interface Circumstances {
  readonly keys?: Keys;
  readonly cost?: typeof TCP;
  readonly refused?: readonly Range[];
}

function plan(sketches: readonly PointSketch[], { keys = {}, cost = TCP, refused = [] }: Circumstances = {}): ReadPlan {
  const device = deviceSettings(keys);
  const points = sketches.map((sketch, index) => placePoint(pointOf(`p${index}`, sketch), device));
  return planReads(points, { device, cost, refused: { ranges: (table) => refused.filter((range) => range.table === table) } });
}

const holding = (address: number, type: DataType = 'uint16', together?: string): PointSketch => ({
  address: { holding: address },
  type,
  ...(together === undefined ? {} : { together }),
});
const requests = ({ blocks }: ReadPlan) => blocks.map(({ request }) => [request.function, request.address, request.count]);

describe('Modbus read planner', () => {
  it('reads neighbours in one request', () => {
    assert.deepEqual(requests(plan([holding(2), holding(0, 'float32')])), [[3, 0, 3]]);
  });

  it('reads over twelve unwanted registers at 9600 baud, where thirteen cost more than a request, and over more on TCP', () => {
    assert.equal(plan([holding(0), holding(13)], { cost: AT_9600 }).blocks.length, 1);
    assert.equal(plan([holding(0), holding(14)], { cost: AT_9600 }).blocks.length, 2);
    assert.equal(plan([holding(0), holding(124)]).blocks.length, 1);
  });

  it('merges less on TCP the faster the device was measured to be', () => {
    const fast = readCost(planOf('modbus-tcp', { host: 'plc' }, {}), 0.2);
    assert.equal(plan([holding(0), holding(20)], { cost: fast }).blocks.length, 1);
    assert.equal(plan([holding(0), holding(24)], { cost: fast }).blocks.length, 2);
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
    assert.deepEqual(requests(plan([holding(0), holding(1, 'float64')], { keys: { maxRegistersPerRequest: 4 } })), [
      [3, 0, 1],
      [3, 1, 4],
    ]);
  });

  it('asks at most 125 registers and 2000 bits at once', () => {
    const registers = Array.from({ length: 126 }, (_, address) => holding(address));
    const coils = Array.from({ length: 2_001 }, (_, coil) => ({ address: { coil } }));
    const counts = (sketches: readonly PointSketch[]) => requests(plan(sketches)).map(([, , count]) => count);
    assert.deepEqual(
      [counts(registers), counts(coils)],
      [
        [125, 1],
        [2_000, 1],
      ],
    );
  });

  it('sees points that lie within others', () => {
    const keys = { readUnwanted: false };
    assert.deepEqual(requests(plan([holding(0, 'float64'), holding(1), holding(4)], { keys })), [[3, 0, 5]]);
  });

  it('shifts numbers where the device counts from one, but not references', () => {
    const points = [holding(1), { address: { reference: 40001 }, type: 'uint16' as const }];
    assert.deepEqual(requests(plan(points, { keys: { addressBase: 1 } })), [[3, 0, 1]]);
  });

  it('touches no cell that must not be read, and counts these as the device does', () => {
    const keys = { doNotRead: [{ holding: [3, 3] }, { input: [0, 100] }], addressBase: 1 };
    assert.deepEqual(requests(plan([holding(2), holding(5)], { keys })), [
      [3, 1, 1],
      [3, 4, 1],
    ]);
  });

  it('reads nothing unwanted where the device takes it ill', () => {
    assert.deepEqual(requests(plan([holding(0), holding(1), holding(3)], { keys: { readUnwanted: false } })), [
      [3, 0, 2],
      [3, 3, 1],
    ]);
  });

  it('keeps a group in one request, however much another cut would save', () => {
    const far = [holding(0, 'uint16', 'energy'), holding(100, 'uint16', 'energy'), holding(101)];
    assert.deepEqual(requests(plan(far, { cost: AT_9600 })), [[3, 0, 102]]);
  });

  it('goes around ranges that were refused, and says what no request can hold', () => {
    const refused = [
      { table: 'holding', from: 2, to: 4 },
      { table: 'holding', from: 7, to: 8 },
    ] as const;
    const made = plan(
      [0, 2, 3, 5, 7, 9].map((address) => holding(address)),
      { refused },
    );
    assert.deepEqual(requests(made), [
      [3, 0, 3],
      [3, 3, 3],
      [3, 9, 1],
    ]);
    assert.deepEqual(
      made.unreadable.map(({ from }) => from),
      [7],
    );
  });

  const anySketch = fc.record({
    address: fc.integer({ min: 0, max: 60 }),
    type: fc.constantFrom<DataType>('int16', 'int32', 'float64'),
    group: fc.constantFrom(undefined, undefined, undefined, 'a', 'b'),
  });
  const anyRange = fc
    .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 3 }))
    .map(([from, more]) => ({ table: 'holding' as const, from, to: from + more + 1 }));
  const anyCircumstances = fc.record({
    forbidden: fc.array(anyRange, { maxLength: 2 }),
    refused: fc.array(anyRange, { maxLength: 2 }),
    most: fc.integer({ min: 4, max: 40 }),
    readUnwanted: fc.boolean(),
    registerMs: fc.constantFrom(0.01, 1, 3),
    requestMs: fc.constantFrom(1, 5, 20),
  });
  const costLike = (requestMs: number, registerMs: number) => (_: Table, count: number) => requestMs + registerMs * count;

  it('costs no more than the cheapest of all ways to share the points among requests', () => {
    fc.assert(
      fc.property(fc.array(anySketch, { minLength: 1, maxLength: 6 }), anyCircumstances, (sketches, around) => {
        const keys = {
          maxRegistersPerRequest: around.most,
          readUnwanted: around.readUnwanted,
          doNotRead: around.forbidden.map(({ from, to }) => ({ holding: [from, to - 1] })),
        };
        const cost = costLike(around.requestMs, around.registerMs);
        const points = sketches.map(({ address, type, group }) => holding(address, type, group));
        const made = plan(points, { keys, cost, refused: around.refused });
        const ours = made.blocks.reduce((sum, { request }) => sum + cost('holding', request.count), 0);
        const cheapest = cheapestByBruteForce(sketches, { ...around, cost: (count) => cost('holding', count) });
        assert.ok(Math.abs(ours - cheapest.ms) < 1e-6, `${ours} ms, brute force ${cheapest.ms} ms`);
        assert.equal(made.unreadable.flatMap(({ points: own }) => own).length, cheapest.unreadable);
      }),
      { numRuns: 2_000 },
    );
  });

  it('gives every point to exactly one request that covers it whole, within the limits', () => {
    const many = fc.array(
      fc.record({ address: fc.integer({ min: 0, max: 400 }), type: fc.constantFrom<DataType>('int16', 'int32', 'float64') }),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(many, fc.integer({ min: 4, max: 125 }), (sketches, most) => {
        const { blocks } = plan(
          sketches.map(({ address, type }) => holding(address, type)),
          { keys: { maxRegistersPerRequest: most }, cost: AT_9600 },
        );
        assert.equal(
          blocks.reduce((sum, block) => sum + block.points.length, 0),
          sketches.length,
        );
        for (const block of blocks) assertCovers(block, most);
      }),
    );
  });

  it('plans ten thousand points in a moment', () => {
    const startedMs = performance.now();
    plan(Array.from({ length: 10_000 }, (_, index) => holding(6 * index)));
    assert.ok(performance.now() - startedMs < 2_000);
  });
});

function assertCovers({ request, points }: Block, most: number): void {
  assert.ok(request.count <= most);
  for (const { address, layout } of points)
    assert.ok(request.address <= address && address + layout.size <= request.address + request.count);
}
