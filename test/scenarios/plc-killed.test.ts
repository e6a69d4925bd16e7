import assert from 'node:assert/strict';
import { verifyDeliveries } from '../support/scenario/brokers.ts';
import { seconds, tell } from '../support/scenario/figures.ts';
import { countsOfLife, fillerMapping, pressMapping } from '../support/scenario/plant.ts';
import { assertNothingBetween } from '../support/scenario/polls.ts';
import { eachScene } from '../support/scenario/scene.ts';
import { until } from '../support/scenario/wait.ts';

const secondLife = countsOfLife(1);

describe('a machine is killed and started again', () => {
  const scene = eachScene();

  const story = async (kind: 'modbus-tcp' | 'opcua', twin: string, point: string) => {
    const broker = await scene().recordingBroker();
    const plant = await scene().plant({ kind });
    const mapping = kind === 'opcua' ? fillerMapping(plant) : pressMapping(plant);
    const gateway = await scene().gateway({ broker, mappings: [mapping] });
    const newest = () => broker.record.readings(twin, point).at(-1);
    await until('values flow', () => broker.record.numbers(twin, point).length >= 20);

    await plant.kill();
    const badMs = await until('the cloud knows that the machine is gone', () => newest()?.quality === 'bad');
    await until('the gateway has tried again', () => gateway.lines.filter((line) => line.includes('link')).length >= 2);
    await plant.start();
    const recoveryMs = await until('good values flow again', () => newest()?.quality === 'good');
    assert.ok(Number(newest()?.value) > secondLife, 'an old value is told as a new one');
    await until('values flow', () => broker.record.numbers(twin, point).filter((value) => value > secondLife).length >= 20);
    const { code } = await gateway.stop();

    assert.equal(code, 0);
    await verifyDeliveries(broker);
    if (kind === 'modbus-tcp') assertNothingBetween(broker.record, twin, secondLife);
    tell({ ...broker.record.totals, 'bad after': seconds(badMs), recovery: seconds(recoveryMs) });
  };

  it('the twin of a Modbus TCP device turns bad and comes back by itself', () => story('modbus-tcp', 'press-1', 'polls'));
  it('the twin of an OPC UA server turns bad and comes back by itself', () => story('opcua', 'filler', 'counter'));
});
