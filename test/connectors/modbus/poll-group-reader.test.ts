import assert from 'node:assert/strict';
import type { ReadCost } from '../../../connectors/modbus/planning/read-cost.ts';
import { placePoint } from '../../../connectors/modbus/planning/read-items.ts';
import { RefusedRanges } from '../../../connectors/modbus/planning/refused-ranges.ts';
import { PollGroupReader } from '../../../connectors/modbus/polling/poll-group-reader.ts';
import { decodeAnswer } from '../../../connectors/modbus/protocol/answer.ts';
import { encodeRequest } from '../../../connectors/modbus/protocol/encode-request.ts';
import type { Request } from '../../../connectors/modbus/protocol/request.ts';
import type { Ask } from '../../../connectors/modbus/wire/line.ts';
import { Units } from '../../../connectors/modbus/wire/units.ts';
import { type Log, silentLog } from '../../../src/runtime/log.ts';
import { SimulatedModbusDevice } from '../../../src/simulator/modbus-device.ts';
import { HandClock } from '../../support/hand-clock.ts';
import { deviceSettings, planOf, pointOf } from './modbus-plan.ts';

const never = new AbortController().signal;

/** A reader of single registers, and the device that it asks without any wire between. */
function start(addresses: readonly number[], log: Log = silentLog) {
  const clock = new HandClock();
  const state = { device: new SimulatedModbusDevice(), registerMs: 0.01 };
  const asked: Request[] = [];
  const ask: Ask = async (request) => {
    asked.push(request);
    const [unit = 0, ...pdu] = encodeRequest(request);
    return decodeAnswer(request, Buffer.concat([Buffer.of(unit), state.device.answer(Buffer.from(pdu))]));
  };
  const device = deviceSettings({});
  const points = addresses.map((holding) => placePoint(pointOf(`p${holding}`, { address: { holding }, type: 'uint16' }), device));
  const cost = (): ReadCost => (_, count) => 5 + state.registerMs * count;
  const units = new Units(planOf('modbus-tcp', { host: 'plc' }, { meter: { points: {} } }), clock);
  const refused = new RefusedRanges(clock);
  const reader = new PollGroupReader({
    twin: 'meter',
    device,
    points,
    ask,
    atOnce: 1,
    units,
    cost,
    refused,
    clock,
    count: () => {},
    log,
  });
  const poll = async () => {
    asked.length = 0;
    const batch = await reader.poll(never);
    const values = Object.fromEntries(batch?.readings.map(({ point, value, status }) => [point.name, value ?? status]) ?? []);
    return { values, counts: asked.map((request) => ('count' in request ? request.count : 0)) };
  };
  return { clock, state, refused, poll };
}

describe('a group of points that are polled together', () => {
  it('tells in the log with which exception a device refuses it, once, and not what is found out by halving', async () => {
    const told: unknown[] = [];
    const warn = (event: string, fields: object = {}) => void told.push([event, 'reason' in fields ? fields.reason : fields]);
    const log: Log = { ...silentLog, warn, with: () => log };
    const { state, poll } = start([0, 1], log);
    for (const functions of [[4], [4], [3], [4]]) {
      state.device = new SimulatedModbusDevice({ functions });
      await poll();
    }
    assert.deepEqual(told, [['reads refused', 'exception 1 (illegal function): unit 1, function 3, address 0, 2 asked']]);
    state.device = new SimulatedModbusDevice({ missing: [{ table: 'holding', from: 0, to: 0 }] });
    await poll();
    assert.deepEqual(told.slice(1), [['registers refused', { twin: 'meter', refused: 'holding 0' }]]);
  });

  it('is asked for in another way when it shows that registers cost more than was assumed', async () => {
    const { clock, state, poll } = start([0, 50]);
    assert.deepEqual((await poll()).counts, [51]);
    state.registerMs = 1;
    assert.deepEqual((await poll()).counts, [51], 'not with every answer');
    await clock.advance(2_000);
    assert.deepEqual((await poll()).counts, [1, 1]);
    state.registerMs = 0.01;
    await clock.advance(59_000);
    assert.deepEqual((await poll()).counts, [1, 1]);
    await clock.advance(1_000);
    assert.deepEqual((await poll()).counts, [51]);
  });

  it('keeps its plan where another would be hardly cheaper', async () => {
    const { clock, state, poll } = start([0, 50]);
    state.registerMs = 0.105;
    await clock.advance(2_000);
    assert.deepEqual((await poll()).counts, [51]);
  });

  it('has a register back that the device refused, when it is asked for again and is there', async () => {
    const { clock, state, refused, poll } = start([0, 1, 2]);
    state.device = new SimulatedModbusDevice({ missing: [{ table: 'holding', from: 1, to: 1 }] });
    assert.deepEqual((await poll()).values, { p0: 0, p1: 'BadOutOfRange', p2: 2 });
    assert.deepEqual((await poll()).counts, [1, 1], 'around it');
    await clock.advance(30_000);
    assert.deepEqual((await poll()).counts, [1, 1, 1], 'asked again, in vain');
    state.device = new SimulatedModbusDevice();
    await clock.advance(30_000);
    assert.deepEqual((await poll()).counts, [1, 1], 'more rarely');
    await clock.advance(30_000);
    await poll();
    assert.deepEqual(await poll(), { values: { p0: 0, p1: 1, p2: 2 }, counts: [3] });
    assert.deepEqual(refused.list(), {});
  });

  it('has all of a device back soon after it refused everything for a while', async () => {
    const { clock, state, refused, poll } = start(Array.from({ length: 40 }, (_, index) => index));
    state.device = new SimulatedModbusDevice({ missing: [{ table: 'holding', from: 0, to: 99 }] });
    for (let polls = 0; polls < 3; polls += 1) await poll();
    assert.equal(refused.list()[1]?.length, 40);
    await clock.advance(30_000);
    assert.equal((await poll()).counts.length, 1, 'one is asked again, in vain');
    state.device = new SimulatedModbusDevice();
    await poll();
    const { values, counts } = await poll();
    assert.deepEqual([counts, values.p0, values.p39], [[40], 0, 39]);
  });
});
