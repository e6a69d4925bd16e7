import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { connect, type MqttClient } from 'mqtt';
import { asyncScheduler, Subject } from 'rxjs';
import type { Reading } from '../src/model/reading.ts';
import { countReadings } from '../src/model/twin-message.ts';
import type { Dialect } from '../src/northbound/dialect.ts';
import { startForwarding } from '../src/northbound/forwarder.ts';
import { createMqttHub } from '../src/northbound/mqtt-hub.ts';
import { operators } from '../src/pipeline/operators/index.ts';
import { createPipeline } from '../src/pipeline/pipeline.ts';
import { systemClock as clock } from '../src/runtime/clock.ts';
import { silentLog as log } from '../src/runtime/log.ts';
import { openSpool } from '../src/spool/open-spool.ts';
import type { Bench } from './harness/bench.ts';
import { startBenchBroker } from './harness/broker.ts';
import { compare } from './harness/compare.ts';
import { benchDialect, WINDOW } from './harness/dialect.ts';
import type { Effort } from './harness/effort.ts';
import { benchBatch, benchDevice, benchDrafts } from './harness/messages.ts';
import { sample } from './harness/sample.ts';

const DEVICES = 20;
/** Messages on their way at once: enough that neither commit nor window ever waits for more. */
const MAX_UNDER_WAY = 2_000;
const GATEWAY = { id: 'bench-gateway', labels: { site: 'plant-a' } };

/** From simulated batches to the acknowledgement of the broker, pipeline, disk and all, beside MQTT.js with the same payloads. */
export const endToEnd: Bench = async (effort) => {
  const broker = await startBenchBroker();
  const dialect = await benchDialect(broker.port, GATEWAY);
  const payloads = makePayloads(dialect);
  const gateway = await openGateway(dialect);
  const client = connect({ host: '127.0.0.1', port: broker.port, reconnectPeriod: 0 });
  await new Promise<void>((resolve) => client.once('connect', () => resolve()));
  const note = `MQTT.js alone, QoS 1, window of ${WINDOW}, the same payloads ready-made (about ${payloads.readings} readings and ${payloads.bytes} bytes each), to ${broker.name}`;
  try {
    return await compare(
      {
        rows: {
          perSecond: { name: 'end to end', unit: 'readings/s', note },
          cpuMicros: { name: 'end to end, CPU', unit: 'ms/1 000 readings', note },
        },
        ours: () => gateway.sample(effort),
        limit: () => sample(async () => payloads.readings * (await publish(client, payloads.packets, effort.sampleMs))),
      },
      effort,
    );
  } finally {
    client.end(true);
    await gateway.close();
    await broker.stop();
  }
};

function makePayloads(dialect: Dialect) {
  const drafts = benchDrafts('press-00', 200);
  const packets = drafts.flatMap(({ message }, index) =>
    dialect.encode(
      { class: 'telemetry', message, offset: index + 1, sequence: index + 1, epoch: '0123456789abcdef' },
      Date.now(),
    ),
  );
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    packets: packets.map(({ topic, payload }) => ({ topic, payload: Buffer.from(payload) })),
    readings: Math.round(sum(drafts.map(({ message }) => countReadings(message))) / drafts.length),
    bytes: Math.round(sum(packets.map(({ payload }) => payload.length)) / packets.length),
  };
}

/** The way of `src/gateway/`, with batches put in by hand in place of connections. */
async function openGateway(dialect: Dialect) {
  const directory = await mkdtemp(join(tmpdir(), 'bench-end-to-end-'));
  const limits = { maxBytes: 2 ** 30, maxAgeMs: 86_400_000 } as const;
  const spool = await openSpool({ directory, ...limits, hubs: ['cloud'], onEvent: () => {} });
  let messagesMade = 0;
  let messagesAcknowledged = 0;
  let readingsAcknowledged = 0;
  const devices = Array.from({ length: DEVICES }, (_, index) => {
    const device = benchDevice(`press-${String(index).padStart(2, '0')}`);
    const readings = new Subject<readonly Reading[]>();
    readings.pipe(createPipeline(device, operators, asyncScheduler, { gateway: GATEWAY })).subscribe((draft) => {
      messagesMade += 1;
      void spool.append([draft]);
    });
    return { device, readings };
  });
  const forwarding = startForwarding({
    hub: createMqttHub('cloud', dialect, clock),
    reader: spool.reader('cloud'),
    gateway: GATEWAY.id,
    clock,
    log,
    execute: async ({ id, device }) => ({ id, device, status: 'refused', points: {} }),
    onAcknowledged: ({ message }) => {
      messagesAcknowledged += 1;
      readingsAcknowledged += countReadings(message);
    },
  });

  const feed = async (signal: AbortSignal): Promise<void> => {
    for (let round = 0; !signal.aborted; round += 1) {
      for (const { device, readings } of devices) readings.next(benchBatch(device, round, Date.now()));
      await nextTurn();
      while (messagesMade - messagesAcknowledged > MAX_UNDER_WAY && !signal.aborted) await sleep(1);
    }
  };
  const drained = async (): Promise<void> => {
    while (messagesAcknowledged < messagesMade) await sleep(5);
  };
  return {
    /** In full flow: commits and acknowledgements of what was put in before count like those that are still to come. */
    sample: async ({ sampleMs }: Effort) => {
      const stop = new AbortController();
      const feeding = feed(stop.signal);
      await sleep(Math.max(300, sampleMs / 4));
      const result = await sample(async () => {
        const before = readingsAcknowledged;
        await sleep(sampleMs);
        return readingsAcknowledged - before;
      });
      stop.abort();
      await feeding;
      await drained();
      return result;
    },
    close: async () => {
      for (const { readings } of devices) readings.complete();
      await forwarding.stop(1_000);
      await spool.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Keeps the window full for so long; resolves with how many were acknowledged. */
function publish(client: MqttClient, packets: readonly { topic: string; payload: Buffer }[], forMs: number): Promise<number> {
  const untilMs = performance.now() + forMs;
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let sent = 0;
  let acknowledged = 0;
  const send = () => {
    const packet = packets[sent % packets.length];
    if (packet === undefined) return;
    sent += 1;
    client.publish(packet.topic, packet.payload, { qos: 1 }, (error) => {
      if (error) return reject(error);
      acknowledged += 1;
      if (performance.now() < untilMs) send();
      else if (acknowledged === sent) resolve(acknowledged);
    });
  };
  for (let index = 0; index < WINDOW; index += 1) send();
  return promise;
}
