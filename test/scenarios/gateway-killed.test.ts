import assert from 'node:assert/strict';
import { verifyDeliveries } from '../support/scenario/brokers.ts';
import { seconds, tell } from '../support/scenario/figures.ts';
import { pressMapping } from '../support/scenario/plant.ts';
import { holes } from '../support/scenario/polls.ts';
import { eachScene } from '../support/scenario/scene.ts';
import { pause, until } from '../support/scenario/wait.ts';

const units = [1, 2, 3, 4];
const INTERVAL_MS = 20;

describe('the gateway is killed in full flow, again and again', () => {
  const scene = eachScene();

  it('everything it has accepted arrives, once it runs again', async () => {
    const broker = await scene().recordingBroker();
    const plant = await scene().plant({ kind: 'modbus-tcp', units });
    const gateway = await scene().gateway({ broker, mappings: [pressMapping(plant, { units, intervalMs: INTERVAL_MS })] });
    const killedMs: number[] = [];
    const startsMs: number[] = [];
    const killAndRestart = async () => {
      killedMs.push(Date.now());
      await gateway.kill();
      startsMs.push(await gateway.start());
    };

    for (let kill = 0; kill < 3; kill += 1) {
      const before = broker.record.count;
      await until('messages flow', () => broker.record.count >= before + 40);
      await pause(Math.random() * 500);
      await killAndRestart();
    }
    await broker.kill();
    for (let kill = 0; kill < 2; kill += 1) {
      const waiting = (await gateway.hub()).waitingMessages;
      await until('more waits on disk', async () => (await gateway.hub()).waitingMessages >= waiting + 100);
      await pause(Math.random() * 500);
      await killAndRestart();
    }
    const waiting = (await gateway.hub()).waitingMessages;
    assert.ok(waiting >= 200, `${waiting} messages survived`);
    await broker.start();
    await until('hardly anything waits any more', async () => (await gateway.hub()).waitingMessages <= 10);
    await gateway.stop();

    await verifyDeliveries(broker);
    for (const unit of units) assertLostOnlyAtKills(`press-${unit}`);
    tell({ ...broker.record.totals, kills: killedMs.length, 'slowest start': seconds(Math.max(...startsMs)) });

    function assertLostOnlyAtKills(twin: string): void {
      const offs = broker.record.gaps(twin).filter(({ reason }) => reason === 'gateway-off');
      for (const { fromTimeMs, toTimeMs, count } of holes(broker.record, twin)) {
        const killMs = killedMs.find((one) => one >= fromTimeMs && one <= toTimeMs);
        assert.ok(killMs !== undefined, `${twin}: ${count} polls are missing though nothing was killed`);
        const isDeclared = offs.some(({ from, to }) => Date.parse(from) <= fromTimeMs + INTERVAL_MS && Date.parse(to) >= killMs);
        assert.ok(isDeclared, `${twin}: the last ${killMs - fromTimeMs} ms before a kill are missing, and not declared`);
      }
    }
  });
});
