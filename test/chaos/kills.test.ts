import assert from 'node:assert/strict';
import { verifyDeliveries } from '../support/scenario/brokers.ts';
import { seconds, tell } from '../support/scenario/figures.ts';
import { pressMapping } from '../support/scenario/plant.ts';
import { eachScene, type Scene } from '../support/scenario/scene.ts';
import { pause, until } from '../support/scenario/wait.ts';
import { LONG_MS, trials } from './support/scale.ts';

const units = [1, 2, 3, 4];
/** The window of the hub, by default. */
const WINDOW = 50;
/** Each so many kills of the gateway the broker is killed, too. */
const BROKER_EVERY = 4;
/** A long trial is made in several plants beside each other: most of it is waiting. */
const AT_ONCE = 3;
const LONG_FROM = 100;

describe('the gateway is killed at random moments in full flow, its broker now and then', function () {
  this.timeout(LONG_MS);
  const scene = eachScene();

  it('nothing committed is lost, nothing comes out of order, and no more comes twice than was under way', async () => {
    const kills = trials('KILLS', 6, 1_000);
    const plants = kills < LONG_FROM ? 1 : AT_ONCE;
    const each = Math.ceil(kills / plants);
    const runs = await Promise.all(Array.from({ length: plants }, () => killEach(scene().beside(), each)));
    const sum = (figure: keyof Run) => runs.reduce((total, run) => total + run[figure], 0);
    const totals = {
      messages: sum('messages'),
      duplicates: sum('duplicates'),
      missing: sum('missing'),
      gapRecords: sum('gapRecords'),
    };
    tell({ kills: plants * each, ...totals, 'slowest start': seconds(Math.max(...runs.map(({ slowestMs }) => slowestMs))) });
  });
});

type Run = Awaited<ReturnType<typeof killEach>>;

async function killEach(scene: Scene, kills: number) {
  const broker = await scene.recordingBroker();
  const plant = await scene.plant({ kind: 'modbus-tcp', units });
  const gateway = await scene.gateway({ broker, mappings: [pressMapping(plant, { units })] });
  let slowestMs = 0;
  for (let kill = 1; kill <= kills; kill += 1) {
    const before = broker.record.count;
    await until('messages flow', () => broker.record.count > before);
    if (kill % BROKER_EVERY === 0) await broker.kill();
    await pause(Math.random() * 400);
    await gateway.kill();
    if (kill % BROKER_EVERY === 0) await broker.start();
    slowestMs = Math.max(slowestMs, await gateway.start());
  }
  await until('hardly anything waits any more', async () => (await gateway.hub()).waitingMessages <= 10);
  await gateway.stop();
  await verifyDeliveries(broker);
  const { totals } = broker.record;
  assert.ok(totals.duplicates <= WINDOW * (kills + kills / BROKER_EVERY), `${totals.duplicates} duplicates`);
  return { ...totals, slowestMs };
}
