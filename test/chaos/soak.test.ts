import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startForwarding } from '../../src/northbound/forwarder.ts';
import { createMqttHub } from '../../src/northbound/mqtt-hub.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { openSpool } from '../../src/spool/open-spool.ts';
import { mqttDialect } from '../northbound/plant.ts';
import { telemetry } from '../support/recorded-spool-reader.ts';
import { tell } from '../support/scenario/figures.ts';
import { pause, until } from '../support/scenario/wait.ts';
import { SinkBroker } from '../support/sink-broker.ts';
import { laterThirds, mebibytes, medians } from './support/medians.ts';
import { IS_LONG, LONG_MS, trials } from './support/scale.ts';

const BATCH = 50;
const CUT_EVERY_MS = 1_000;
/** What a gateway of 1 000 readings/s makes in 24 h, at 50 readings a message. The long form sends many times as much. */
const MESSAGES_PER_DAY = 20 * 86_400;
/** The memory of a busy process is never still; what leaks grows on and on. */
const GROWTH = 1.05;
const SLACK_BYTES = { heap: 2 * 2 ** 20, resident: 0 };
/** V8 needs minutes to find its size: before, what it takes beside the heap may still grow by 16 MiB. */
const WARM_AFTER_S = 600;
const COLD_SLACK_BYTES = { ...SLACK_BYTES, resident: 16 * 2 ** 20 };

describe('a long run', function () {
  this.timeout(LONG_MS);

  it('memory and handles stay as they are, through cuts and catching up', async () => {
    const seconds = trials('SOAK_SECONDS', 20, 3_600);
    const directory = await mkdtemp(join(tmpdir(), 'chaos-soak-'));
    const broker = await SinkBroker.start();
    const limits = { maxBytes: 8 * 2 ** 20, maxAgeMs: 86_400_000, commitWindowMs: 20 } as const;
    const spool = await openSpool({ directory, ...limits, hubs: ['cloud'], onEvent: () => {} });
    const dialect = mqttDialect({ url: broker.url, connectTimeout: '1 s', acknowledgeTimeout: '1 s' });
    const forwarding = startForwarding({
      hub: createMqttHub('cloud', dialect, systemClock),
      ...{ reader: spool.reader('cloud'), gateway: 'gw-01', clock: systemClock, log: silentLog },
      backOff: { firstMs: 20, maxMs: 50, resetAfterMs: 60_000 },
      execute: async ({ id, device }) => ({ id, device, status: 'done', points: {} }),
    });
    const samples: Sample[] = [];
    let messages = 0;
    const startMs = performance.now();
    let cutMs = startMs;
    while (performance.now() - startMs < seconds * 1_000) {
      await spool.append(
        Array.from({ length: BATCH }, (_, index) => ({ message: telemetry('press-07', messages + index), hubs: ['cloud'] })),
      );
      messages += BATCH;
      await pause(2);
      if (performance.now() - cutMs < CUT_EVERY_MS) continue;
      cutMs = performance.now();
      const connects = broker.connects.length;
      broker.cut();
      await until('it is there again', () => broker.connects.length > connects && forwarding.status().link.state === 'up');
      await until('it has caught up', () => spool.status().hubs.cloud?.waitingMessages === 0);
      // What the broker has written down is its own matter.
      broker.forget();
      globalThis.gc?.();
      const { heapUsed: heap, rss: resident } = process.memoryUsage();
      samples.push({ heap, resident, handles: process.getActiveResourcesInfo().length });
    }
    await forwarding.stop(0);
    await spool.close();
    await broker.stop();
    await rm(directory, { recursive: true, force: true });

    const [early, late] = laterThirds(samples).map((part) => medians<keyof Sample>(part));
    assert.ok(early !== undefined && late !== undefined);
    tell({
      seconds,
      messages,
      'days at 1 000 readings/s': (messages / MESSAGES_PER_DAY).toFixed(1),
      cuts: samples.length,
      resident: `${mebibytes(early.resident)} to ${mebibytes(late.resident)} MiB`,
      heap: `${mebibytes(early.heap)} to ${mebibytes(late.heap)} MiB`,
      handles: `${early.handles} to ${late.handles}`,
    });
    const slack = seconds < WARM_AFTER_S ? COLD_SLACK_BYTES : SLACK_BYTES;
    for (const memory of ['heap', 'resident'] as const) {
      const most = early[memory] * GROWTH + slack[memory];
      assert.ok(late[memory] <= most, `${memory} grew from ${early[memory]} to ${late[memory]} bytes`);
    }
    assert.ok(late.handles <= early.handles, `handles grew from ${early.handles} to ${late.handles}`);
    if (IS_LONG) assert.ok(messages >= MESSAGES_PER_DAY, `${messages} messages are less than a day`);
  });
});

/** After garbage collection, with everything caught up. */
interface Sample {
  readonly heap: number;
  readonly resident: number;
  readonly handles: number;
}
