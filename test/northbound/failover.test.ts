import assert from 'node:assert/strict';
import { type Forwarding, startForwarding } from '../../src/northbound/forwarder.ts';
import { createMqttHub } from '../../src/northbound/mqtt-hub.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { RecordedSpoolReader, telemetry } from '../support/recorded-spool-reader.ts';
import { SinkBroker, type SinkScript } from '../support/sink-broker.ts';
import { mqttDialect } from './plant.ts';

/** Two brokers that stand for one hub: what either was told, both know. */
describe('a hub with two brokers', () => {
  let preferred: SinkBroker;
  let second: SinkBroker;
  let reader: RecordedSpoolReader;
  let forwarding: Forwarding;

  afterEach(async () => {
    await forwarding.stop(0);
    await Promise.all([preferred.stop(), second.stop()]);
  });

  const start = async (failBackAfter: string, script: SinkScript = {}) => {
    [preferred, second] = [await SinkBroker.start(), await SinkBroker.start(script)];
    reader = new RecordedSpoolReader();
    const settings = { url: [preferred.url, second.url], failBackAfter, window: 10 };
    forwarding = startForwarding({
      hub: createMqttHub('cloud', mqttDialect({ ...settings, connectTimeout: '1 s', acknowledgeTimeout: '1 s' }), systemClock),
      ...{
        reader,
        gateway: 'gw-01',
        clock: systemClock,
        log: silentLog,
        backOff: { firstMs: 5, maxMs: 20, resetAfterMs: 60_000 },
      },
      execute: async ({ id, device }) => ({ id, device, status: 'done', points: {} }),
    });
  };

  const append = (count: number) => {
    for (let index = 0; index < count; index += 1) reader.append(telemetry('press-07', index));
  };
  const sequences = (broker: SinkBroker) =>
    broker.messages.filter(({ twin }) => twin === 'press-07').map(({ seq }) => Number(seq));
  const allAcknowledged = () => until(() => reader.cursor === (reader.stored.at(-1)?.offset ?? 0));

  it('goes on at the second one when the preferred one is gone, and loses nothing', async () => {
    await start('1 h');
    append(30);
    await allAcknowledged();
    assert.equal(forwarding.status().endpoint, preferred.url);
    await preferred.stop();
    append(30);
    await allAcknowledged();
    assert.equal(forwarding.status().endpoint, second.url);
    const heard = new Set([...sequences(preferred), ...sequences(second)]);
    assert.deepEqual(
      [...heard].toSorted((a, b) => a - b),
      Array.from({ length: 60 }, (_, index) => index + 1),
    );
  });

  it('goes back once the preferred one is there again: everything sent is acknowledged first, order is kept', async () => {
    await start('30 ms', { answer: () => 'later' });
    const port = preferred.port;
    await preferred.stop();
    await until(() => second.openConnections === 1);
    append(8);
    await until(() => sequences(second).length === 8);
    preferred = await SinkBroker.start({}, port);
    // Nobody moves while something is under way.
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(second.openConnections, 1);
    append(8);
    second.release();
    await until(() => sequences(preferred).length === 8);
    await allAcknowledged();
    assert.deepEqual([sequences(second), sequences(preferred)], [range(1, 8), range(9, 16)]);
    assert.equal(forwarding.status().endpoint, preferred.url);
  });

  it('stays where it is while the preferred one does not answer', async () => {
    await start('20 ms');
    await preferred.stop();
    append(5);
    await allAcknowledged();
    await new Promise((resolve) => setTimeout(resolve, 200));
    append(5);
    await allAcknowledged();
    assert.equal(second.connects.length, 1);
    assert.deepEqual(sequences(second), range(1, 10));
  });
});

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
