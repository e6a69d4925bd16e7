import { verifyDeliveries } from '../support/scenario/brokers.ts';
import { seconds, tell } from '../support/scenario/figures.ts';
import { pressMapping } from '../support/scenario/plant.ts';
import { assertEveryPoll } from '../support/scenario/polls.ts';
import { eachScene, itWithMosquitto } from '../support/scenario/scene.ts';
import { pause, until } from '../support/scenario/wait.ts';

const units = [1, 2, 3, 4];
const HANG_MS = 11_000;

describe('the broker hangs: it is there and answers nothing', () => {
  const scene = eachScene();

  const story = async (kind: 'recording' | 'mosquitto') => {
    const broker = await scene().broker(kind);
    const plant = await scene().plant({ kind: 'modbus-tcp', units });
    const gateway = await scene().gateway({ broker, mappings: [pressMapping(plant, { units })] });
    await until('messages flow', () => broker.record.count >= 50);

    broker.freeze();
    const hung = pause(HANG_MS);
    const noticedMs = await until(
      'the gateway has noticed',
      async () => (await gateway.hub()).link.error?.code === 'HUB_TIMEOUT',
    );
    await hung;
    const backMs = Date.now();
    broker.thaw();
    const recoveryMs = await until('what is measured now arrives', () => broker.record.latestTimeMs > backMs);
    await until('hardly anything waits any more', async () => (await gateway.hub()).waitingMessages <= 10);
    await gateway.stop();

    await verifyDeliveries(broker);
    await assertEveryPoll(broker.record, plant);
    tell({ ...broker.record.totals, noticed: seconds(noticedMs), recovery: seconds(recoveryMs) });
  };

  it('nothing is lost with a broker that keeps what it acknowledges', () => story('recording'));
  itWithMosquitto('nothing is lost', () => story('mosquitto'));
});
