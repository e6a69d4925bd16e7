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
import { tell } from '../support/scenario/scene.ts';
import { pause, until } from '../support/scenario/wait.ts';
import { SinkBroker } from '../support/sink-broker.ts';
import { LONG_MS, trials } from './support/scale.ts';

const BATCH = 50;
const CUT_EVERY_MS = 1_000;
/** The heap of a busy process is never still; what leaks grows on and on. */
const GROWTH = 1.05;
const SLACK_BYTES = 2 * 2 ** 20;

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
    const samples: { heap: number; handles: number }[] = [];
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
      broker.cut();
      await until('it has caught up', () => spool.status().hubs.cloud?.waitingMessages === 0);
      // What the broker has written down is its own matter.
      broker.forget();
      globalThis.gc?.();
      samples.push({ heap: process.memoryUsage().heapUsed, handles: process.getActiveResourcesInfo().length });
    }
    await forwarding.stop(0);
    await spool.close();
    await broker.stop();
    await rm(directory, { recursive: true, force: true });

    const third = Math.floor(samples.length / 3);
    const early = median(samples.slice(third, 2 * third).map(({ heap }) => heap));
    const late = median(samples.slice(2 * third).map(({ heap }) => heap));
    const handles = [samples[third], samples.at(-1)].map((sample) => sample?.handles ?? 0);
    tell({
      seconds,
      messages,
      cuts: samples.length,
      heap: `${mebibytes(early)} to ${mebibytes(late)} MiB`,
      handles: handles.join(' to '),
    });
    assert.ok(late <= early * GROWTH + SLACK_BYTES, `heap grew from ${early} to ${late}`);
    assert.ok((handles[1] ?? 0) <= (handles[0] ?? 0) + 2, `handles grew from ${handles.join(' to ')}`);
  });
});

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
