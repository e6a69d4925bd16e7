import assert from 'node:assert/strict';
import { verifyDeliveries } from '../support/scenario/brokers.ts';
import { seconds, tell } from '../support/scenario/figures.ts';
import { pressMapping } from '../support/scenario/plant.ts';
import { eachScene, itWithMosquitto } from '../support/scenario/scene.ts';
import { until } from '../support/scenario/wait.ts';

const units = [1, 2, 3, 4];
/** Slow enough that history takes seconds, far more than a live message may. */
const HUB = ['window: 10', 'drain: live-first', 'historyPerSecond: 60'];
const OUTAGE_MESSAGES = 400;

describe('the broker comes back after an outage and wants what is new first', () => {
  const scene = eachScene();

  const story = async (kind: 'recording' | 'mosquitto') => {
    const broker = await scene().broker(kind);
    broker.record.isLiveFirst = true;
    const plant = await scene().plant({ kind: 'modbus-tcp', units });
    const gateway = await scene().gateway({ broker, mappings: [pressMapping(plant, { units })], hub: HUB });
    await until('messages flow', () => broker.record.count >= 40);
    await broker.kill();
    const enough = async () => (await gateway.hub()).waitingMessages >= OUTAGE_MESSAGES;
    await until('much waits on disk', enough, { withinMs: 60_000 });
    const backMs = Date.now();
    await broker.start();
    await until('what is measured now arrives', () => broker.record.latestTimeMs > backMs);
    const { waitingMessages } = await gateway.hub();
    assert.ok(waitingMessages > OUTAGE_MESSAGES / 4, `only ${waitingMessages} wait: nothing was overtaken`);

    await gateway.kill();
    const startMs = await gateway.start();
    const startedMs = Date.now();
    await until('what is measured now arrives again', () => broker.record.latestTimeMs > startedMs);
    const stillWaiting = (await gateway.hub()).waitingMessages;
    assert.ok(stillWaiting > 50, `only ${stillWaiting} wait: nothing was overtaken`);

    const caughtUp = async () => (await gateway.hub()).waitingMessages <= 10;
    await until('hardly anything waits any more', caughtUp, { withinMs: 60_000 });
    const lateMs = Date.now() - broker.record.latestTimeMs;
    assert.ok(lateMs < 5_000, `the latest reading is ${lateMs} ms old`);
    await gateway.stop();
    await verifyDeliveries(broker);
    tell({
      ...broker.record.totals,
      'overtaken at first': waitingMessages,
      'after the kill': stillWaiting,
      start: seconds(startMs),
    });
  };

  it('nothing is lost and nothing waits for history, though the gateway is killed in between', () => story('recording'));
  itWithMosquitto('the same', () => story('mosquitto'));
});
