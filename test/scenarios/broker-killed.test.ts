import { verifyDeliveries } from '../support/scenario/brokers.ts';
import { seconds, tell } from '../support/scenario/figures.ts';
import { pressMapping } from '../support/scenario/plant.ts';
import { assertEveryPoll } from '../support/scenario/polls.ts';
import { eachScene, itWithMosquitto } from '../support/scenario/scene.ts';
import { until } from '../support/scenario/wait.ts';

const units = [1, 2, 3, 4];

describe('the broker is killed and started again', () => {
  const scene = eachScene();

  const story = async (kind: 'recording' | 'mosquitto') => {
    const broker = await scene().broker(kind);
    const plant = await scene().plant({ kind: 'modbus-tcp', units });
    const gateway = await scene().gateway({ broker, mappings: [pressMapping(plant, { units })] });
    await until('messages flow', () => broker.record.count >= 80);

    broker.freeze();
    await until('messages are under way that it has not seen', async () => (await gateway.hub()).inFlight >= 20);
    await broker.kill();
    await until('messages wait on disk', async () => (await gateway.hub()).waitingMessages >= 80);
    const backMs = Date.now();
    await broker.start();
    const recoveryMs = await until('what is measured now arrives', () => broker.record.latestTimeMs > backMs);
    await until('hardly anything waits any more', async () => (await gateway.hub()).waitingMessages <= 10);
    await gateway.stop();

    await verifyDeliveries(broker);
    await assertEveryPoll(broker.record, plant);
    tell({ ...broker.record.totals, recovery: seconds(recoveryMs) });
  };

  it('nothing is lost with a broker that keeps what it acknowledges', () => story('recording'));
  itWithMosquitto('nothing is lost', () => story('mosquitto'));
});
