import assert from 'node:assert/strict';
import type { Command } from '../../src/model/command.ts';
import type { GatewayError } from '../../src/model/error.ts';
import type { TwinMessage } from '../../src/model/twin-message.ts';
import { checkSettings } from '../../src/northbound/dialects/mqtt/check.ts';
import { settingsSchema } from '../../src/northbound/dialects/mqtt/settings.ts';
import type { HubSession } from '../../src/northbound/hub.ts';
import { createMqttHub } from '../../src/northbound/mqtt-hub.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { stored, telemetry } from '../support/recorded-spool-reader.ts';
import { SinkBroker, type SinkScript } from '../support/sink-broker.ts';
import { mqttDialect } from './plant.ts';

const NEVER = new AbortController().signal;
const NOW_MS = Date.UTC(2026, 0, 1);
const TOPIC = 'gw-01/press-07/command';
const COMMAND = JSON.stringify({ id: 'c1', desired: { speed: 900 } });

describe('MQTT 5', () => {
  let broker: SinkBroker;
  let sessions: HubSession[];

  beforeEach(() => {
    sessions = [];
  });

  afterEach(async () => {
    await Promise.all(sessions.map((session) => session.close()));
    await broker.stop();
  });

  const open = async (script: SinkScript = {}, settings: Readonly<Record<string, unknown>> = {}) => {
    broker = await SinkBroker.start(script);
    return await hubOf(settings).then((hub) => hub.opened);
  };
  const hubOf = async (settings: Readonly<Record<string, unknown>> = {}) => {
    const hub = createMqttHub('cloud', mqttDialect({ url: broker.url, connectTimeout: '5 s', ...settings }), systemClock);
    const opened = await hub.open(NEVER);
    sessions.push(opened);
    return { hub, opened };
  };
  const received = () => broker.publishes.filter(({ retain }) => !retain);
  const commandOf = async (session: HubSession) => await new Promise<Command>((resolve) => session.commands.subscribe(resolve));

  describe('topic aliases', () => {
    const sendAll = async (topicAliasMaximum: number, twins: readonly string[]) => {
      const session = await open({ connackProperties: { topicAliasMaximum } });
      for (const [index, twin] of twins.entries())
        await session.publish({ ...stored(index + 1), message: telemetry(twin, index) });
      assert.deepEqual(broker.violations, []);
      assert.deepEqual(
        received().map(({ topic }) => topic),
        twins.map((twin) => `gw-01/${twin}/telemetry`),
      );
      const { publishBytes } = broker;
      await session.close();
      await broker.stop();
      return publishBytes;
    };

    it('spare a topic from its second message on', async () => {
      const twins = Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? 'press-07' : 'press-08'));
      const [plain, aliased] = [await sendAll(0, twins), await sendAll(10, twins)];
      const topicBytes = 'gw-01/press-07/telemetry'.length;
      // Three bytes each for the alias, the topic twice in place of 200 times; and the birth, whose topic comes once.
      assert.equal(plain - aliased, 198 * topicBytes - 201 * 3);
    });

    it('stay within what the broker allows, and the one not used for longest gives way', async () => {
      await sendAll(2, ['a', 'b', 'a', 'c', 'a', 'b', 'c', 'a', 'a']);
    });

    it('are learnt anew by each connection', async () => {
      broker = await SinkBroker.start({ connackProperties: { topicAliasMaximum: 5 } });
      for (let connection = 1; connection <= 2; connection += 1) {
        const { opened } = await hubOf();
        await opened.publish(stored(1));
        await opened.publish(stored(2));
        await opened.close();
      }
      assert.deepEqual(broker.violations, []);
      assert.equal(broker.wills.length, 0);
      assert.deepEqual(
        received().map(({ topic, properties }) => [topic, properties?.topicAlias]),
        Array.from({ length: 4 }, () => ['gw-01/press-07/telemetry', 2]),
      );
    });

    it('are no way in for topics that others name', async () => {
      const session = await open({ connackProperties: { topicAliasMaximum: 10 } });
      const result = { id: 'c1', device: 'press-07', status: 'done', points: {} } as const;
      const topics = ['constructor', '__proto__', 'toString', 'constructor', '__proto__', 'toString'];
      for (const topic of topics) await session.respond({ ...result, replyTo: { topic } });
      assert.deepEqual(broker.violations, []);
      assert.deepEqual(
        received().map(({ topic }) => topic),
        topics,
      );
    });

    it('of the broker are understood', async () => {
      const session = await open();
      assert.equal(broker.connects[0]?.properties?.topicAliasMaximum, 32);
      const commands: Command[] = [];
      session.commands.subscribe((command) => commands.push(command));
      broker.send(TOPIC, COMMAND, { properties: { topicAlias: 7 } });
      broker.send('', COMMAND.replace('c1', 'c2'), { properties: { topicAlias: 7 } });
      await until(() => commands.length === 2);
      assert.deepEqual(
        commands.map(({ id, device }) => [id, device]),
        [
          ['c1', 'press-07'],
          ['c2', 'press-07'],
        ],
      );
    });

    it('that the broker never told end the session', async () => {
      const session = await open();
      broker.send('', COMMAND, { properties: { topicAlias: 9 } });
      assert.equal((await session.lost).code, 'HUB_REFUSED');
    });
  });

  describe('expiry', () => {
    const message = (kind: TwinMessage['kind']): TwinMessage => ({
      twin: 'press-07',
      kind,
      startTimeMs: NOW_MS,
      values: {
        temperature: [
          [0, 1],
          [20_000, 2],
        ],
      },
    });
    const expiries = (expireAfter: unknown, waitedMs: number) =>
      (['telemetry', 'property', 'event', 'gap', 'status'] as const).map((kind) => {
        const place = { class: 'telemetry', offset: 1, sequence: 1, epoch: 'e' } as const;
        return mqttDialect({ expireAfter }).encode({ ...place, message: message(kind) }, NOW_MS + waitedMs)[0]?.expiryS;
      });

    it('is what the waiting has left of it, by kind; what tells of missing messages never expires', () => {
      assert.deepEqual(expiries('1 min', 20_000), [60, 60, 60, undefined, undefined]);
      assert.deepEqual(expiries({ telemetry: '1 min', event: '1 h' }, 50_000), [30, undefined, 3570, undefined, undefined]);
      assert.deepEqual(expiries(undefined, 0), [undefined, undefined, undefined, undefined, undefined]);
    });

    it('leaves the shortest life to what is older, and no longer one to what comes from a clock that is ahead', () => {
      assert.deepEqual(expiries('1 min', 3_600_000).slice(0, 2), [1, 1]);
      assert.equal(expiries('1 min', -3_600_000)[0], 60);
    });

    it('goes over the wire', async () => {
      const session = await open({}, { expireAfter: '1 h' });
      await session.publish({ ...stored(1), message: telemetry('press-07', 1, Date.now() - 600_000) });
      assert.equal(received()[0]?.properties?.messageExpiryInterval, 3_000);
    });

    it('is not taken where MQTT has none', () => {
      const check = (protocol: unknown, expireAfter: string) =>
        checkSettings(settingsSchema.parse({ url: 'mqtts://b', protocol, expireAfter })).map(({ key }) => key);
      assert.deepEqual(
        [check('3.1.1', '1 h'), check(5, '1 h'), check(5, '1 ms'), check(5, '60000 d')],
        [['expireAfter'], [], ['expireAfter'], ['expireAfter']],
      );
    });

    it('of a packet bounds the life of the command in it', async () => {
      const decode = (body: object, expiryS: number) => {
        const payload = Buffer.from(JSON.stringify({ id: 'c1', desired: { a: 1 }, ...body }));
        return mqttDialect().decode({ topic: TOPIC, payload, qos: 1, retain: false, expiryS }, NOW_MS)?.expiresTimeMs;
      };
      assert.equal(decode({}, 7), NOW_MS + 7_000);
      assert.equal(decode({ expires: NOW_MS + 3_000 }, 7), NOW_MS + 3_000);
      assert.equal(decode({ expires: NOW_MS + 9_000 }, 7), NOW_MS + 7_000);
      assert.equal(decode({}, 0), NOW_MS);
      const session = await open();
      broker.send(TOPIC, COMMAND, { properties: { messageExpiryInterval: 5 } });
      const { expiresTimeMs = 0 } = await commandOf(session);
      assert.ok(Math.abs(expiresTimeMs - Date.now() - 5_000) < 3_000, `${expiresTimeMs - Date.now()} ms`);
    });
  });

  describe('what the broker says in CONNACK', () => {
    it('QoS 0 only: refused, for nobody would know what arrived', async () => {
      const refused = { code: 'HUB_REFUSED', message: /QoS 0 only/ };
      await assert.rejects(open({ connackProperties: { maximumQoS: 0 } }), refused);
      assert.equal(broker.publishes.length, 0);
    });

    it('QoS 1: all that is needed', async () => {
      await (await open({ connackProperties: { maximumQoS: 1 } })).publish(stored(1));
    });

    it('nothing retained: the status goes without, and `retain: false` keeps it out of the will', async () => {
      const session = await open({ connackProperties: { retainAvailable: false } }, { retain: false });
      await broker.until(() => broker.publishes.length === 1);
      assert.equal(broker.connects[0]?.will?.retain, false);
      await session.close();
      await broker.stop();
      await open({ connackProperties: { retainAvailable: false } });
      await broker.until(() => broker.publishes.length === 1);
      assert.equal(broker.publishes[0]?.retain, false);
    });

    it('a keep-alive of its own: that one is kept', async () => {
      await open({ connackProperties: { serverKeepAlive: 1 } }, { keepAlive: '1 h' });
      await broker.until(() => broker.pings > 0);
    }).timeout(5_000);

    it('no wildcards, shared subscriptions or identifiers: none are used', async () => {
      const none = { sharedSubscriptionAvailable: false, wildcardSubscriptionAvailable: false };
      const session = await open({ connackProperties: { ...none, subscriptionIdentifiersAvailable: false } });
      assert.ok(broker.subscriptions.length > 0 && broker.subscriptions.every((topic) => !/[+#$]/.test(topic)));
      broker.send(TOPIC, COMMAND, { properties: { subscriptionIdentifier: 3 } });
      assert.equal((await commandOf(session)).id, 'c1');
    });

    it('another client id, and where answers may go: neither was asked for, and neither changes anything', async () => {
      await (await open({ connackProperties: { assignedClientIdentifier: 'other', responseInformation: 'answers/' } })).publish(
        stored(1),
      );
      assert.deepEqual(
        [broker.connects[0]?.clientId, broker.connects[0]?.properties?.requestResponseInformation],
        ['gw-01', undefined],
      );
    });
  });

  describe('another server', () => {
    let other: SinkBroker;

    beforeEach(async () => {
      other = await SinkBroker.start();
    });

    afterEach(() => other.stop());

    for (const reasonCode of [0x9c, 0x9d]) {
      it(`is used once when the broker says 0x${reasonCode.toString(16)} in CONNACK`, async () => {
        broker = await SinkBroker.start({
          connackCode: reasonCode,
          connackProperties: { serverReference: `127.0.0.1:${other.port} elsewhere.example` },
        });
        const hub = createMqttHub('cloud', mqttDialect({ url: broker.url }), systemClock);
        await assert.rejects(hub.open(NEVER), { code: 'HUB_REFUSED', message: /refers to 127/ });
        const session = await hub.open(NEVER);
        sessions.push(session);
        await session.publish(stored(1));
        assert.deepEqual([other.messages.length, hub.endpoint], [1, other.url]);
        other.cut();
        await session.lost;
        await assert.rejects(hub.open(NEVER), { code: 'HUB_REFUSED' });
        assert.deepEqual([broker.connects.length, other.connects.length], [2, 1]);
      });
    }

    it('is used when the broker says so in DISCONNECT, and what was under way is not taken for delivered', async () => {
      broker = await SinkBroker.start({ answer: ({ retain }) => (retain ? 'acknowledge' : 'never') });
      const { hub, opened } = await hubOf();
      const sent = opened.publish(stored(1));
      await broker.until(() => broker.messages.length === 1);
      broker.disconnect(0x9d, `127.0.0.1:${other.port}`);
      await assert.rejects(sent, { code: 'HUB_REFUSED' });
      const session = await hub.open(NEVER);
      sessions.push(session);
      await session.publish(stored(1));
      assert.equal(other.messages.length, 1);
    });

    it('is not followed from one that was itself referred to', async () => {
      const third = await SinkBroker.start();
      const refersTo = (port: number): SinkScript => ({
        connackCode: 0x9c,
        connackProperties: { serverReference: `127.0.0.1:${port}` },
      });
      broker = await SinkBroker.start(refersTo(other.port));
      other.script = refersTo(third.port);
      const hub = createMqttHub('cloud', mqttDialect({ url: broker.url }), systemClock);
      for (let attempt = 0; attempt < 4; attempt += 1) await assert.rejects(hub.open(NEVER), { code: 'HUB_REFUSED' });
      await third.stop();
      assert.deepEqual([broker.connects.length, other.connects.length, third.connects.length], [2, 2, 0]);
    });

    for (const serverReference of [
      '',
      'broker.elsewhere.example',
      'http://x/',
      'user@127.0.0.1',
      '[',
      '\u0000',
      ' '.repeat(99),
    ]) {
      it(`is not looked for at ${JSON.stringify(serverReference.slice(0, 30))}, without TLS or without sense`, async () => {
        broker = await SinkBroker.start({ connackCode: 0x9d, connackProperties: { serverReference } });
        const hub = createMqttHub('cloud', mqttDialect({ url: broker.url }), systemClock);
        await assert.rejects(hub.open(NEVER), { code: 'HUB_REFUSED' });
        await assert.rejects(hub.open(NEVER), { code: 'HUB_REFUSED' });
        assert.equal(broker.connects.length, 2);
      });
    }
  });

  it('tells the reason that the broker gives for a message it does not take', async () => {
    const session = await open({
      answer: ({ retain }) => (retain ? 'acknowledge' : { reasonCode: 0x87, reasonString: 'no ACL' }),
    });
    await assert.rejects(session.publish(stored(1)), { code: 'HUB_MESSAGE_FORBIDDEN', message: /no right.*0x87.*"no ACL"/ });
  });

  it('drops commands beyond a hundred unanswered ones, and tells each', async () => {
    const session = await open();
    const refused: string[] = [];
    session.refusals?.subscribe(({ code }) => refused.push(code));
    session.commands.subscribe(() => {});
    for (let index = 0; index < 120; index += 1) broker.send(TOPIC, COMMAND.replace('c1', `c${index}`));
    await until(() => refused.length === 20);
    assert.deepEqual([...new Set(refused)], ['COMMAND_TOO_OFTEN']);
    assert.equal(session.counters().dropped_commands, 20);
  });

  it('refuses what comes on a topic that nobody listens to', async () => {
    const session = await open();
    const refused = new Promise<GatewayError>((resolve) => session.refusals?.subscribe(resolve));
    broker.send('gw-01/press-99/command', COMMAND);
    assert.match((await refused).message, /nobody here listens to "gw-01\/press-99/);
    assert.equal(session.counters().invalid_commands, 1);
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
