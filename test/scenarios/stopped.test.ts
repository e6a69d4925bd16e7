import assert from 'node:assert/strict';
import { verifyDeliveries } from '../support/scenario/brokers.ts';
import { seconds, tell } from '../support/scenario/figures.ts';
import { pressMapping } from '../support/scenario/plant.ts';
import { assertEveryPoll } from '../support/scenario/polls.ts';
import { eachScene } from '../support/scenario/scene.ts';
import { until } from '../support/scenario/wait.ts';

const units = [1, 2, 3, 4];

describe('the gateway is stopped in full flow', () => {
  const scene = eachScene();

  it('sends what it has, ends with 0 within 10 s, and goes on with the next number when started again', async () => {
    const broker = await scene().recordingBroker();
    const plant = await scene().plant({ kind: 'modbus-tcp', units });
    const gateway = await scene().gateway({ broker, mappings: [pressMapping(plant, { units })] });
    await until('messages flow', () => broker.record.count >= 100);

    const startMs = performance.now();
    const exit = await gateway.stop(10_000);
    const stopMs = performance.now() - startMs;
    assert.deepEqual(exit, { code: 0, signal: null });
    await assertEveryPoll(broker.record, plant);

    const before = broker.record.count;
    await gateway.start();
    await until('messages flow again', () => broker.record.count >= before + 20);
    await gateway.stop();
    await verifyDeliveries(broker);
    tell({ ...broker.record.totals, stopped: seconds(stopMs) });
  });
});
