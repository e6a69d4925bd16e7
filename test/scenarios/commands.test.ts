import assert from 'node:assert/strict';
import { verifyDeliveries } from '../support/scenario/brokers.ts';
import { tell } from '../support/scenario/figures.ts';
import { pressMapping, SETPOINT_POINT } from '../support/scenario/plant.ts';
import { assertEveryPoll } from '../support/scenario/polls.ts';
import { eachScene, itWithMosquitto } from '../support/scenario/scene.ts';
import { until } from '../support/scenario/wait.ts';

const units = [1, 2];

describe('commands come through the broker while polls run', () => {
  const scene = eachScene();

  itWithMosquitto('each is answered: executed once however often it comes, or refused', async () => {
    const broker = await scene().mosquitto();
    const plant = await scene().plant({ kind: 'modbus-tcp', units });
    const gateway = await scene().gateway({ broker, mappings: [pressMapping(plant, { units, more: SETPOINT_POINT })] });
    await until('messages flow', () => broker.record.count >= 40);
    const send = async (command: Readonly<Record<string, unknown>>) => {
      const before = broker.results.length;
      await broker.command('press-1', command);
      await until(`command ${command.id} is answered`, () => broker.results.length > before);
      return JSON.stringify(broker.results.at(-1));
    };

    const command = { id: 'c1', desired: { setpoint: 900 }, expires: Date.now() + 60_000 };
    assert.match(await send(command), /"status":"done".*"value":900/);
    assert.match(await send(command), /"status":"done".*"value":900/);
    assert.match(await send({ ...command, desired: { setpoint: 800 } }), /"status":"refused".*COMMAND_REPLAYED/);
    assert.match(await send({ id: 'c2', desired: { setpoint: 1_501 } }), /"status":"refused".*COMMAND_OUT_OF_RANGE/);
    assert.match(await send({ id: 'c3', desired: { polls: 1 } }), /"status":"refused".*COMMAND_READ_ONLY/);
    assert.match(await send({ id: 'c4', desired: { setpoint: 5 }, expires: 1 }), /"status":"refused".*COMMAND_EXPIRED/);
    await until('the cloud sees the new setpoint', () => broker.record.numbers('press-1', 'setpoint').at(-1) === 900);

    const { writes, setpoint } = await plant.state(1);
    assert.deepEqual({ writes, setpoint, neighbour: (await plant.state(2)).writes }, { writes: 1, setpoint: 900, neighbour: 0 });
    await gateway.stop();
    await verifyDeliveries(broker);
    await assertEveryPoll(broker.record, plant);
    tell({ ...broker.record.totals, commands: broker.results.length, writes });
  });
});
