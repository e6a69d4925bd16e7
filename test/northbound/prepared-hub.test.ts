import assert from 'node:assert/strict';
import { GatewayError } from '../../src/model/error.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Dialect, Packet, QuestionLine } from '../../src/northbound/dialect.ts';
import { createMqttHub } from '../../src/northbound/mqtt-hub.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { startBroker } from '../../src/simulator/broker.ts';
import { stored } from '../support/recorded-spool-reader.ts';
import { SinkBroker, type SinkScript } from '../support/sink-broker.ts';
import { mqttDialect } from './plant.ts';

const NEVER = new AbortController().signal;
const SHORT = { connectTimeout: '500 ms', acknowledgeTimeout: '500 ms' };

function packet(topic: string, text: string): Packet {
  return { topic, payload: Buffer.from(text), qos: 1, retain: false };
}

describe('a hub whose connection has to be prepared', () => {
  it('prepares each attempt anew, and knows why the one before ended', async () => {
    const broker = await SinkBroker.start({ connackCode: 0x86 });
    const plain = mqttDialect({ url: broker.url, ...SHORT });
    const seen: (string | undefined)[] = [];
    const dialect: Dialect = {
      ...plain,
      async prepare({ endpoint, previous }) {
        seen.push(previous?.code);
        return {
          endpoint,
          settings: { ...plain.wire, username: 'gw', password: new Secret('token', Buffer.from(`token ${seen.length}`)) },
        };
      },
    };
    const hub = createMqttHub('cloud', dialect, systemClock);
    await assert.rejects(hub.open(NEVER), { code: 'HUB_UNAUTHORIZED' });
    broker.script = {};
    const session = await hub.open(NEVER);
    await session.close();
    await broker.stop();
    assert.deepEqual(seen, [undefined, 'HUB_UNAUTHORIZED']);
    assert.deepEqual(
      broker.connects.map(({ password }) => password?.toString()),
      ['token 1', 'token 2'],
    );
  });

  it('retires a session when its credentials are to be renewed, and loses nothing that was sent', async () => {
    const broker = await SinkBroker.start({ answer: ({ retain }) => (retain ? 'acknowledge' : 'later') });
    const plain = mqttDialect({ url: broker.url, ...SHORT });
    const dialect: Dialect = {
      ...plain,
      prepare: async ({ endpoint }) => ({ endpoint, settings: plain.wire, renewAtMs: Date.now() + 100 }),
    };
    const session = await createMqttHub('cloud', dialect, systemClock).open(NEVER);
    const sent = session.publish(stored(1));
    const early = await Promise.race([session.lost.then(() => 'lost'), systemClock.sleep(250).then(() => 'open')]);
    broker.release(false);
    assert.equal(early, 'open');
    assert.ok((await sent) > 0);
    assert.equal((await session.lost).code, 'LINK_CLOSED');
    await assert.rejects(session.publish(stored(2)), { code: 'LINK_CLOSED' });
    await session.close();
    await broker.stop();
  });

  it('asks a service on a connection of its own, and goes where that says', async () => {
    const service = await startBroker({ port: 0 });
    const broker = await SinkBroker.start();
    const plain = mqttDialect({ url: service.url, protocol: '3.1.1', ...SHORT });
    const dialect: Dialect = {
      ...plain,
      async prepare({ endpoint, ask }) {
        const settings = { ...plain.wire, clientId: 'asking' };
        const port = await ask({
          endpoint,
          settings,
          subscriptions: ['answers/#'],
          async talk(line) {
            await line.publish(packet('answers/noise', 'x'));
            await line.publish(packet('answers/port', String(new URL(broker.url).port)));
            const answer = await line.next(({ topic }) => topic === 'answers/port', 500);
            await assert.rejects(
              line.next(({ topic }) => topic === 'answers/none', 50),
              { code: 'HUB_TIMEOUT' },
            );
            return Number(Buffer.from(answer.payload).toString());
          },
        });
        return { endpoint: { ...endpoint, port }, settings: plain.wire };
      },
    };
    const hub = createMqttHub('cloud', dialect, systemClock);
    const session = await hub.open(NEVER);
    await session.publish(stored(1));
    await session.close();
    assert.equal(broker.messages.length, 1);
    assert.equal(new URL(hub.endpoint).port, new URL(broker.url).port);
    await broker.stop();
    await service.close();
  });

  describe('by a service that it asks', () => {
    const asking = async (script: SinkScript, talk: (line: QuestionLine) => Promise<unknown>) => {
      const service = await SinkBroker.start(script);
      const plain = mqttDialect({ url: service.url, ...SHORT });
      const dialect: Dialect = {
        ...plain,
        async prepare({ endpoint, ask }) {
          await ask({ endpoint, settings: plain.wire, subscriptions: ['answers/#'], talk });
          return { endpoint, settings: plain.wire };
        },
      };
      return { service, hub: createMqttHub('cloud', dialect, systemClock) };
    };

    for (const awaited of ['CONNECT', 'SUBSCRIBE']) {
      it(`that does not answer to ${awaited} is given up in time`, async () => {
        const script: SinkScript = awaited === 'CONNECT' ? { greeting: 'silent' } : {};
        const { service, hub } = await asking(script, async () => {});
        script.service = {
          subscribe() {
            service.freeze();
            return undefined;
          },
        };
        const outcome = await Promise.race([hub.open(NEVER).catch((error: unknown) => error), systemClock.sleep(5_000)]);
        await service.stop();
        assert.equal(outcome instanceof GatewayError && outcome.code, 'HUB_TIMEOUT');
      });
    }

    for (const [what, talk] of Object.entries<(line: QuestionLine) => Promise<unknown>>({
      'waits for its answer': (line) => line.next(() => false, 60_000),
      'is to ask again later': ({ clock }) => clock.sleep(60_000),
    })) {
      it(`does not wait for it any more when it stops while it ${what}`, async () => {
        const stop = new AbortController();
        const { service, hub } = await asking({}, async (line) => {
          setTimeout(() => stop.abort(), 20);
          await talk(line);
        });
        const outcome = await Promise.race([hub.open(stop.signal).catch(() => 'stopped'), systemClock.sleep(1_500)]);
        await service.stop();
        assert.equal(outcome, 'stopped');
      });
    }
  });
});
