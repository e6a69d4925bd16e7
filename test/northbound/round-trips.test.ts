import assert from 'node:assert/strict';
import type { Conversation, Dialect, Line, Packet } from '../../src/northbound/dialect.ts';
import { createMqttHub } from '../../src/northbound/mqtt-hub.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { stored } from '../support/recorded-spool-reader.ts';
import { SinkBroker, type SinkScript } from '../support/sink-broker.ts';
import { mqttDialect } from './plant.ts';

const NEVER = new AbortController().signal;
const SHORT = { connectTimeout: '500 ms', acknowledgeTimeout: '300 ms' };

function unproven(sequence: number): Packet {
  return { topic: 'data', payload: Buffer.from(String(sequence)), qos: 0, retain: false, isBinary: true };
}

/** QoS 0, taken for delivered when the hub has read it. */
function qos0(url: string, more: Readonly<Record<string, unknown>> = {}, said: Partial<Conversation> = {}): Dialect {
  const plain = mqttDialect({ url, ...SHORT, ...more });
  return {
    ...plain,
    wire: { ...plain.wire, willAtClose: true },
    converse: (line: Line) => ({
      subscriptions: [],
      receive: () => {},
      respond: async () => {},
      async publish({ sequence }) {
        await line.publish(unproven(sequence));
        await line.roundTrip();
        return 1;
      },
      ...said,
    }),
  };
}

for (const protocol of ['3.1.1', 5] as const) {
  describe(`what QoS 0 can be told of, MQTT ${protocol}`, () => {
    let broker: SinkBroker;
    const open = async (script: SinkScript = {}, said: Partial<Conversation> = {}) => {
      broker = await SinkBroker.start(script);
      return await createMqttHub('cloud', qos0(broker.url, { protocol }, said), systemClock).open(NEVER);
    };

    afterEach(() => broker.stop());

    it('is taken for delivered when the broker has read it, and not before', async () => {
      const session = await open({ pings: 'later' });
      let done = 0;
      const all = [1, 2, 3].map((sequence) => session.publish(stored(sequence)).then(() => (done += 1)));
      await broker.until(() => broker.publishes.length === 3 && broker.pings === 1);
      await systemClock.sleep(20);
      assert.equal(done, 0);
      broker.release();
      await broker.until(() => broker.pings === 2 || done === 3);
      broker.release();
      await Promise.all(all);
      assert.deepEqual(
        broker.publishes.map(({ payload }) => payload.toString()),
        ['1', '2', '3'],
      );
      await session.close();
    });

    it('asks once for many', async () => {
      const session = await open();
      await Promise.all(Array.from({ length: 500 }, (_, index) => session.publish(stored(index + 1))));
      assert.equal(broker.publishes.length, 500);
      assert.ok(broker.pings < 100, `${broker.pings} pings`);
      await session.close();
    });

    it('is lost when the broker reads no more, and what was sent is not taken for delivered', async () => {
      const session = await open({ pings: 'never' });
      const settled = session.publish(stored(1));
      await assert.rejects(settled, { code: 'HUB_TIMEOUT' });
      assert.equal((await session.lost).code, 'HUB_TIMEOUT');
      await session.close();
    });

    it('rejects with the cause of the loss', async () => {
      const session = await open({ pings: 'later' });
      const sending = session.publish(stored(1)).catch((error: unknown) => error);
      await broker.until(() => broker.pings === 1);
      broker.cut();
      assert.equal(await sending, await session.lost);
      await assert.rejects(session.publish(stored(2)));
      await session.close();
    });

    it('gets what is retained where it wants that', async () => {
      const seen: string[] = [];
      const receive = ({ topic, payload }: Packet) => void seen.push(`${topic}=${Buffer.from(payload).toString()}`);
      const said = { subscriptions: ['plain'], retained: ['state'], receive };
      const session = await open({ retained: { plain: 'old', state: 'online' } }, said);
      while (!seen.includes('state=online')) await systemClock.sleep(5);
      assert.equal(seen.includes('plain=old'), protocol === '3.1.1');
      await session.close();
    });

    it('says that a payload is no text, and at the end that the will is wanted', async () => {
      const session = await open();
      await session.publish(stored(1));
      assert.equal(broker.publishes[0]?.properties?.payloadFormatIndicator, undefined);
      await session.close();
      await broker.until(() => broker.goodbyes.length === 1);
      assert.deepEqual(broker.goodbyes, [protocol === 5 ? 4 : 0]);
      assert.deepEqual(broker.violations, []);
    });
  });
}
