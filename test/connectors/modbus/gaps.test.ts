import assert from 'node:assert/strict';
import { createConnector } from '../../../connectors/modbus/connector.ts';
import type { DeviceGap } from '../../../src/model/device-gap.ts';
import type { Reading } from '../../../src/model/reading.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { acquire } from '../../../src/southbound/acquisition.ts';
import type { Connector } from '../../../src/southbound/connector.ts';
import { pollBalance } from '../../support/poll-balance.ts';
import { type Plant, PROTOCOLS, startPlant } from './plant.ts';

const INTERVAL_MS = 200;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

for (const protocol of PROTOCOLS) {
  describe(`what a device on ${protocol} did not give`, function () {
    this.timeout(30_000);
    let plant: Plant;
    let stop: () => Promise<void>;
    let readings: Reading[];
    let gaps: DeviceGap[];
    let connector: Connector;

    beforeEach(async () => {
      plant = await startPlant(protocol, [1, 2], { missing: [{ table: 'holding', from: 500, to: 599 }] });
      const power = { address: { holding: 100 }, type: 'int16' as const, intervalMs: INTERVAL_MS };
      const absent = { address: { holding: 500 }, type: 'int16' as const, intervalMs: INTERVAL_MS };
      const keys = (unit: number) => ({ unit, probeInterval: '1 s' });
      const plan = plant.planOf(
        { one: { settings: keys(1), points: { power } }, two: { settings: keys(2), points: { power, absent } } },
        // A poll that waits in vain makes others late.
        { timeout: '500 ms' },
      );
      const context = { log: silentLog, clock: systemClock, gatewayId: 'gw', stateDirectory: '' };
      readings = [];
      gaps = [];
      const stopping = new AbortController();
      connector = createConnector(plan, context);
      const { done } = acquire(connector, {
        ...{ plan, clock: systemClock, log: silentLog, signal: stopping.signal },
        onBatch: (batch) => readings.push(...batch.readings),
        onGap: (gap) => gaps.push(gap),
      });
      stop = async () => {
        stopping.abort();
        await done;
      };
    });
    afterEach(async () => {
      await stop();
      await plant.dispose();
    });

    const good = (id: string) => readings.filter(({ point, quality }) => point.id === id && quality === 'good');
    const underWay = () => {
      const { requests = 0, responses = 0 } = connector.status().counters;
      return requests - responses;
    };
    const more = async (id: string) => {
      const known = good(id).length;
      while (good(id).length < known + 5) await pause(20);
    };
    const declared = (device: string, reason: DeviceGap['reason']) =>
      gaps.filter((gap) => gap.device === device && gap.reason === reason);
    const balance = (device: string) => {
      const isOfPower = (gap: DeviceGap) => gap.device === device && gap.points.some(({ name }) => name === 'power');
      const missed = gaps.filter((gap) => isOfPower(gap) && gap.reason !== 'gateway-off');
      return pollBalance(
        good(`${device}/power`).map(({ sourceTimeMs }) => sourceTimeMs),
        missed.map(({ fromTimeMs, points, readings: count }) => ({ fromTimeMs, polls: count / points.length })),
        INTERVAL_MS,
      );
    };

    it('is counted poll by poll while one of two units is silent, in one gap', async () => {
      await more('one/power');
      plant.faults.add({ kind: 'silent' }, { unit: 1 });
      await pause(2_000);
      assert.deepEqual(declared('one', 'device-away'), [], 'it is not over');
      plant.faults.clear();
      await more('one/power');
      await more('two/power');
      const [gap, ...others] = declared('one', 'device-away');
      assert.ok(gap !== undefined);
      assert.deepEqual(others, []);
      await stop();
      assert.ok(gap.readings >= 8, `${gap.readings} polls`);
      assert.deepEqual(declared('two', 'device-away'), []);
      for (const device of ['one', 'two']) {
        const { received, declared, due } = balance(device);
        assert.equal(received + declared, due, device);
      }
    });

    it('is counted where a stop cuts it off', async () => {
      await more('one/power');
      await more('two/power');
      plant.faults.add({ kind: 'late', ms: 300 });
      while (underWay() === 0) await pause(1);
      const stoppedTimeMs = Date.now();
      await stop();
      const cutOff = gaps.filter(({ reason, points }) => reason === 'gateway-off' && points[0]?.name === 'power');
      assert.ok(cutOff.length > 0);
      for (const { device, fromTimeMs, toTimeMs, readings: count, points } of cutOff) {
        const { received, declared, due } = balance(device);
        assert.equal(received + declared, due, device);
        assert.equal(count / points.length, 1 + Math.round((toTimeMs - fromTimeMs) / INTERVAL_MS), device);
        const lastTimeMs = good(`${device}/power`).at(-1)?.sourceTimeMs ?? 0;
        assert.ok(
          fromTimeMs > lastTimeMs && fromTimeMs < lastTimeMs + 2 * INTERVAL_MS,
          `${fromTimeMs - lastTimeMs} ms after the last`,
        );
        // A poll may be made a fraction of a millisecond before it is due.
        assert.ok(toTimeMs <= stoppedTimeMs + 2, `${toTimeMs - stoppedTimeMs} ms after the stop`);
      }
    });

    it('is counted where the device refuses it', async () => {
      await more('two/power');
      await stop();
      const [gap, ...others] = declared('two', 'refused');
      assert.ok(gap !== undefined);
      assert.deepEqual([others, gap.points.map(({ name }) => name)], [[], ['absent']]);
      assert.ok(Math.abs(gap.readings - good('two/power').length) <= 1, `${gap.readings} of ${good('two/power').length} polls`);
    });
  });
}
