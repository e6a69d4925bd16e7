import assert from 'node:assert/strict';
import { verifyDeliveries } from '../support/scenario/brokers.ts';
import { seconds, tell } from '../support/scenario/figures.ts';
import { metersMapping } from '../support/scenario/plant.ts';
import { balance } from '../support/scenario/polls.ts';
import { eachScene } from '../support/scenario/scene.ts';
import { until } from '../support/scenario/wait.ts';

const WINDOW_MS = 15_000;
const SHARE = 0.9;
/** As `metersMapping` has it. */
const INTERVAL_MS = 250;

describe('one unit on a shared serial line falls silent', () => {
  const scene = eachScene();

  it('its neighbour keeps nine tenths of its rate, and the unit comes back by itself', async () => {
    const broker = await scene().recordingBroker();
    const line = await scene().plant({ kind: 'modbus-rtu', units: [1, 2] });
    const gateway = await scene().gateway({ broker, mappings: [metersMapping(line)] });
    const newest = (twin: string) => broker.record.readings(twin, 'polls').at(-1);
    await until('both meters are read', () => newest('meter-1')?.quality === 'good' && newest('meter-2')?.quality === 'good');

    const inWindow = async (windowMs: number) => {
      const fromMs = Date.now();
      const ofNeighbour = () => broker.record.readings('meter-1', 'polls').filter(({ timeMs }) => timeMs >= fromMs);
      await until('the window is over', () => (ofNeighbour().at(-1)?.timeMs ?? 0) >= fromMs + windowMs);
      return ofNeighbour().filter(({ timeMs, quality }) => quality === 'good' && timeMs < fromMs + windowMs).length;
    };
    const healthy = (await inWindow(WINDOW_MS / 3)) * 3;
    await line.silence(2);
    let disturbed = 0;
    // A machine that is busy takes readings away in any window, a silent unit would in all.
    for (let window = 0; window < 3 && disturbed < SHARE * healthy; window += 1)
      disturbed = Math.max(disturbed, await inWindow(WINDOW_MS));
    assert.equal(newest('meter-2')?.quality, 'bad');

    await line.mend();
    const recoveryMs = await until('the silent meter is back', () => newest('meter-2')?.quality === 'good');
    await gateway.stop();
    const share = disturbed / healthy;
    tell({ ...broker.record.totals, 'rate of the neighbour': `${Math.round(100 * share)} %`, 'back after': seconds(recoveryMs) });
    assert.ok(share >= SHARE, `${disturbed} readings instead of ${healthy}`);
    await verifyDeliveries(broker);
    const { received, declared, due } = balance(broker.record, 'meter-1', 'polls', INTERVAL_MS);
    assert.equal(received + declared, due);
  });
});
