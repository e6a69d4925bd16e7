import assert from 'node:assert/strict';
import { requestPlan } from '../../../connectors/modbus/planning/request-plan.ts';
import { type PointSketch, planOf } from './modbus-plan.ts';

const register = (holding: number, type: PointSketch['type'] = 'int16'): PointSketch => ({ address: { holding }, type });

describe('the plan of Modbus requests', () => {
  it('is that of facts: ten registers at 9600 baud, even parity, from a device that takes 5 ms: 19.7 a second', () => {
    const points = { a: register(0), b: register(8, 'float32') };
    const plan = requestPlan(planOf('modbus-rtu', { port: '/dev/x', baudRate: 9_600 }, { m: { settings: { unit: 7 }, points } }));
    const { ms = 0, ...request } = plan.polls[0]?.requests[0] ?? {};
    assert.deepEqual(request, { unit: 7, function: 3, address: 0, count: 10, points: ['a', 'b'], unwanted: 7, bytes: 33 });
    assert.ok(Math.abs(1_000 / ms - 19.7) < 0.05, `${ms} ms`);
    assert.ok(Math.abs(plan.busyPercent - ms / 10) < 1e-9);
  });

  it('counts a register that several points want once, and bits of a table as bits', () => {
    const points = {
      a: { address: { holding: 0, bit: 1 } },
      b: { address: { holding: 0, bit: 2 } },
      c: { address: { coil: 9 } },
    };
    const plan = requestPlan(planOf('modbus-tcp', { host: 'plc' }, { press: { points } }));
    assert.deepEqual(
      plan.polls[0]?.requests.map(({ count, unwanted, bytes }) => [count, unwanted, bytes]),
      [
        [1, 0, 12 + 11 - 1],
        [1, 0, 12 + 11],
      ],
    );
  });

  it('gives each interval its own requests and its own share', () => {
    const points = { fast: { ...register(0), intervalMs: 100 }, slow: { ...register(1), intervalMs: 10_000 } };
    const { polls, busyPercent } = requestPlan(planOf('modbus-tcp', { host: 'plc' }, { press: { points } }));
    assert.deepEqual(
      polls.map(({ intervalMs }) => intervalMs),
      [100, 10_000],
    );
    assert.ok(Math.abs(busyPercent - (5.01 + 0.0501)) < 1e-9);
  });
});
