import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Forwarding, startForwarding } from '../../src/northbound/forwarder.ts';
import { createMqttHub } from '../../src/northbound/mqtt-hub.ts';
import { DeliveryBook } from '../../src/receiver/delivery-book.ts';
import { formatReport } from '../../src/receiver/format-report.ts';
import { parseMessage } from '../../src/receiver/received-message.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { openSpool } from '../../src/spool/open-spool.ts';
import type { Spool } from '../../src/spool/spool.ts';
import { mqttDialect } from '../northbound/plant.ts';
import { telemetry } from '../support/recorded-spool-reader.ts';
import { tell } from '../support/scenario/figures.ts';
import { until } from '../support/scenario/wait.ts';
import { SinkBroker, type SinkPublish } from '../support/sink-broker.ts';

const FAULT_MS = 1_500;
const WINDOW = 10;

/** What the broker does wrong for a while; returns what mends it. */
type Misbehave = (broker: SinkBroker) => Promise<() => Promise<void>> | (() => Promise<void>);

const answering = (answer: NonNullable<SinkBroker['script']['answer']>): Misbehave => {
  return (broker) => {
    broker.script = { ...broker.script, answer };
    return async () => {
      broker.script = { ...broker.script, answer: () => 'acknowledge' };
      broker.release();
    };
  };
};
const seqOf = ({ payload }: SinkPublish) => Number((JSON.parse(payload.toString()) as { seq?: number }).seq ?? 0);
const releasing = (broker: SinkBroker, isReversed: boolean) => {
  broker.script = { ...broker.script, answer: () => 'later' };
  const timer = setInterval(() => broker.release(isReversed), 100);
  return async () => {
    clearInterval(timer);
    broker.script = { ...broker.script, answer: () => 'acknowledge' };
    broker.release();
  };
};

const FAULTS: Readonly<Record<string, Misbehave>> = {
  'is away': async (broker) => {
    await broker.stop();
    return () => broker.listen();
  },
  'hangs, half-open': (broker) => {
    broker.freeze();
    return async () => {};
  },
  'cuts the connection now and then': answering((_, index) => (index % 17 === 16 ? 'cut' : 'acknowledge')),
  'cuts after it took a message': answering((_, index) => (index % 17 === 16 ? 'cut-after' : 'acknowledge')),
  'refuses connections': (broker) => {
    broker.script = { ...broker.script, connackCode: 0x88 };
    broker.cut();
    return async () => {
      broker.script = { ...broker.script, connackCode: 0 };
    };
  },
  'rejects single messages': answering((publish) => (seqOf(publish) % 10 === 0 ? { reasonCode: 0x99 } : 'acknowledge')),
  throttles: answering((_, index) => (index % 25 === 24 ? { reasonCode: 0x97 } : 'acknowledge')),
  'acknowledges late': (broker) => releasing(broker, false),
  'acknowledges out of order': (broker) => releasing(broker, true),
  'acknowledges twice, or what was never sent': answering((_, index) => (index % 2 === 0 ? 'twice' : 'unknown-id')),
  'never acknowledges': answering(() => 'never'),
};

describe('a hub that', function () {
  this.timeout(60_000);
  let directory: string;
  let broker: SinkBroker;
  let spool: Spool;
  let forwarding: Forwarding;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'chaos-hub-'));
    broker = await SinkBroker.start();
    const limits = { maxBytes: 32 * 2 ** 20, maxAgeMs: 86_400_000, commitWindowMs: 10 } as const;
    spool = await openSpool({ directory, ...limits, hubs: ['cloud'], onEvent: () => {} });
    const dialect = mqttDialect({ url: broker.url, connectTimeout: '500 ms', acknowledgeTimeout: '600 ms', window: WINDOW });
    forwarding = startForwarding({
      hub: createMqttHub('cloud', dialect, systemClock),
      ...{ reader: spool.reader('cloud'), gateway: 'gw-01', clock: systemClock, log: silentLog },
      backOff: { firstMs: 50, maxMs: 200, resetAfterMs: 60_000 },
      execute: async ({ id, device }) => ({ id, device, status: 'done', points: {} }),
    });
  });

  afterEach(async () => {
    await forwarding.stop(0);
    await spool.close();
    await broker.stop();
    await rm(directory, { recursive: true, force: true });
  });

  for (const [name, misbehave] of Object.entries(FAULTS)) {
    it(`${name}: all alone everything arrives or is declared, in order`, async () => {
      let value = 0;
      const feeding = setInterval(() => {
        value += 1;
        void spool.append([{ message: telemetry(value % 2 === 0 ? 'press-07' : 'press-08', value), hubs: ['cloud'] }]);
      }, 5);
      await until('messages flow', () => broker.messages.length >= 50);
      const mend = await misbehave(broker);
      await new Promise((resolve) => setTimeout(resolve, FAULT_MS));
      await mend();
      const mendedAt = value;
      const recoveryMs = await until('what is measured now arrives', () =>
        broker.messages.some(({ values }) => numberOf(values) > mendedAt),
      );
      clearInterval(feeding);
      await until('nothing waits any more', () => spool.status().hubs.cloud?.waitingMessages === 0);

      const book = new DeliveryBook({ fromFirst: true });
      for (const { payload } of broker.publishes) {
        const message = parseMessage(payload.toString());
        if (message !== undefined) book.take(message);
      }
      const report = book.report();
      assert.ok(report.isComplete, formatReport(report));
      const sum = (pick: (stream: (typeof report.streams)[number]) => number) =>
        report.streams.reduce((total, stream) => total + pick(stream), 0);
      tell({
        messages: sum(({ messages }) => messages),
        twice: sum(({ duplicates }) => duplicates),
        declared: sum(({ gaps }) => Object.values(gaps).reduce((total, gap) => total + gap.messages, 0)),
        recovery: `${(recoveryMs / 1_000).toFixed(2)} s`,
      });
    });
  }
});

function numberOf(values: unknown): number {
  const temperature = (values as { temperature?: readonly (readonly [number, number])[] } | undefined)?.temperature;
  return temperature?.[0]?.[1] ?? 0;
}
