import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Forwarding, startForwarding } from '../../src/northbound/forwarder.ts';
import { createMqttHub } from '../../src/northbound/mqtt-hub.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { openSpool } from '../../src/spool/open-spool.ts';
import type { Spool } from '../../src/spool/spool.ts';
import { telemetry } from '../support/recorded-spool-reader.ts';
import { SinkBroker } from '../support/sink-broker.ts';
import { mqttDialect } from './plant.ts';

describe('forwarder on the spool on disk', () => {
  let broker: SinkBroker;
  let spool: Spool;
  let forwarding: Forwarding;
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'forwarder-'));
    broker = await SinkBroker.start();
    await start();
  });

  afterEach(async () => {
    await stop(0);
    await broker.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const start = async () => {
    const limits = { maxBytes: 8 * 2 ** 20, maxAgeMs: 86_400_000, whenFull: 'drop-oldest', commitWindowMs: 5 } as const;
    spool = await openSpool({ directory, ...limits, hubs: ['cloud'], onEvent: () => {} });
    const dialect = mqttDialect({ url: broker.url, acknowledgeTimeout: '1 s', window: 10 });
    forwarding = startForwarding({
      hub: createMqttHub('cloud', dialect, systemClock),
      reader: spool.reader('cloud'),
      gateway: 'gw-01',
      clock: systemClock,
      log: silentLog,
      backOff: { firstMs: 5, maxMs: 20, resetAfterMs: 60_000 },
      execute: async ({ id, device }) => ({ id, device, status: 'done', points: {} }),
    });
  };

  const stop = async (drainMs: number) => {
    await forwarding.stop(drainMs);
    await spool.close();
  };

  const append = async (first: number, count: number) => {
    const values = Array.from({ length: count }, (_, index) => first + index);
    await spool.append(values.map((value) => ({ message: telemetry('press-07', value), hubs: ['cloud'] })));
  };
  const sequences = () => [...new Set(broker.messages.map(({ seq }) => Number(seq)))];

  it('delivers everything in order through cuts and a restart, and nothing again that was acknowledged', async () => {
    broker.script = { answer: (_, index) => (index % 61 === 60 ? 'cut' : 'acknowledge') };
    await append(1, 200);
    await until(() => spool.status().hubs.cloud?.waitingMessages === 0);
    await stop(1_000);
    const before = broker.messages.length;
    await start();
    await append(201, 50);
    await until(() => spool.status().hubs.cloud?.waitingMessages === 0);
    assert.deepEqual(
      sequences(),
      Array.from({ length: 250 }, (_, index) => index + 1),
    );
    const again = broker.messages.slice(before).filter(({ seq }) => Number(seq) <= 200);
    assert.deepEqual(again, []);
  });

  it('tells a rejected message in a gap record', async () => {
    broker.script = { answer: ({ payload }) => (payload.includes('"seq":3,') ? { reasonCode: 0x99 } : 'acknowledge') };
    await append(1, 5);
    await until(() => broker.messages.some(({ schema }) => schema === 'gw.gap/1'));
    const gap = broker.messages.find(({ schema }) => schema === 'gw.gap/1')?.gap as Record<string, unknown>;
    assert.deepEqual([gap.fromSeq, gap.toSeq, gap.messages], [3, 3, 1]);
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
