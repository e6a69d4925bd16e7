import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { CommandResult } from '../../src/model/command.ts';
import { GatewayError } from '../../src/model/error.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Stored } from '../../src/model/twin-message.ts';
import type { Packet } from '../../src/northbound/dialect.ts';
import { mqtt } from '../../src/northbound/dialects/mqtt/definition.ts';
import { HandClock } from '../support/hand-clock.ts';
import { telemetry } from '../support/recorded-spool-reader.ts';
import { mqttDialect } from './plant.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const TOPIC = 'gw-01/press-07/command';

function packet(payload: string | Uint8Array, more: Partial<Packet> = {}): Packet {
  return { topic: TOPIC, payload: Buffer.from(payload), qos: 1, retain: false, ...more };
}

function json({ payload }: Packet): Record<string, unknown> {
  return JSON.parse(Buffer.from(payload).toString()) as Record<string, unknown>;
}

describe('mqtt dialect', () => {
  const dialect = mqttDialect();
  const stored: Stored = {
    class: 'telemetry',
    offset: 10,
    sequence: 1,
    epoch: 'e1',
    message: telemetry('press-07', 71.4, NOW_MS),
  };

  it('sends a message to the topic of its twin and kind, in QoS 1, named by its properties', () => {
    const packets = mqttDialect({ topic: '{site}/{line}/{twin}/{kind}' }).encode(stored, NOW_MS);
    const [{ topic, qos, retain, properties, contentType } = assert.fail()] = packets;
    assert.equal(packets.length, 1);
    assert.equal(topic, 'plant-a/l3/press-07/telemetry');
    assert.deepEqual([qos, retain, contentType], [1, false, 'application/json;charset=utf-8']);
    assert.deepEqual(properties, { schema: 'gw.telemetry/1', twin: 'press-07', history: 'false' });
  });

  it('refuses to be made when a twin lacks a label of the topic', () => {
    const twins = new Map([['press-09', {}]]);
    assert.throws(() => mqttDialect({ topic: '{line}/{twin}' }, twins), { code: 'CONFIG_INVALID' });
  });

  it('listens for each twin, or for none', () => {
    assert.deepEqual(dialect.subscriptions, [TOPIC, 'gw-01/press-08/command']);
    assert.deepEqual(mqttDialect({ commands: false }).subscriptions, []);
  });

  it('keeps online, offline and the will in one retained place', () => {
    const { will } = dialect.wire;
    const [birth, death] = [dialect.birth?.(new HandClock(NOW_MS))[0], dialect.death?.(new HandClock(NOW_MS))];
    assert.ok(will && birth && death);
    for (const { topic, retain } of [will, birth, death]) assert.deepEqual([topic, retain], ['gw-01/status', true]);
    assert.deepEqual([json(birth).state, json(death).state, json(will).state], ['online', 'offline', 'offline']);
    assert.equal(json(will).reason, 'connection lost');
  });

  it('says so where it tells a time that it does not know', () => {
    for (const isKnown of [true, false]) {
      const clock = { nowMs: () => NOW_MS, isKnown };
      for (const told of [dialect.birth?.(clock)[0], dialect.death?.(clock)])
        assert.equal(json(told ?? assert.fail()).clock, isKnown ? undefined : 'unsynchronised');
    }
  });

  describe('commands', () => {
    it('reads a command', () => {
      const text = '{"id":"c1","desired":{"speedSetpoint":900,"on":true,"name":"x"},"expires":"2026-01-01T00:00:10Z"}';
      const expected = { id: 'c1', device: 'press-07', desired: { speedSetpoint: 900, on: true, name: 'x' } };
      assert.deepEqual(dialect.decode(packet(text), NOW_MS), { ...expected, expiresTimeMs: NOW_MS + 10_000 });
    });

    it('leaves it to the mapping how long a command without an expiry lives', () => {
      assert.equal(dialect.decode(packet('{"id":"c1","desired":{"a":1}}'), NOW_MS)?.expiresTimeMs, undefined);
    });

    it('reads who asks and when, a dry run, settings and an approval', () => {
      const read = (body: object) => dialect.decode(packet(JSON.stringify({ id: 'c1', ...body })), NOW_MS);
      const head = { id: 'c1', device: 'press-07' };
      const asked = { by: 'anna', issued: '2026-01-01T00:00:00Z', dryRun: true };
      const sent = { ...head, by: 'anna', issuedTimeMs: NOW_MS, isDryRun: true };
      assert.deepEqual(read({ desired: { a: 1 }, ...asked }), { ...sent, desired: { a: 1 } });
      assert.deepEqual(read({ method: 'start', ...asked }), { ...sent, method: 'start', arguments: {} });
      assert.deepEqual(read({ settings: { logLevel: 'debug' }, ...asked }), { ...sent, settings: { logLevel: 'debug' } });
      assert.deepEqual(read({ approve: true, by: 'ben', dryRun: false }), { ...head, by: 'ben', approves: true });
    });

    it('answers a held command, a dry run and settings', () => {
      const bodyOf = (result: Partial<CommandResult>) =>
        json(dialect.encodeResult({ id: 'c1', device: 'press-07', status: 'done', points: {}, ...result }));
      assert.equal(bodyOf({ status: 'held', heldUntilTimeMs: NOW_MS }).heldUntil, '2026-01-01T00:00:00.000Z');
      const points = { a: { status: 'checked', deviceValue: 7n } } as const;
      assert.deepEqual(bodyOf({ status: 'checked', points }).points, { a: { status: 'checked', deviceValue: 7 } });
      const settings = { logLevel: { status: 'changed', value: 'debug' } } as const;
      const { until, points: none, ...rest } = bodyOf({ settings });
      assert.deepEqual([until, none, rest.settings], ['restart', undefined, settings]);
    });

    it('keeps large integers exact', () => {
      const command = dialect.decode(packet('{"id":"c1","desired":{"a":9007199254740993}}'), NOW_MS);
      assert.deepEqual(command, {
        id: 'c1',
        device: 'press-07',
        desired: { a: 9007199254740993n },
      });
    });

    it('reads arrays and structures as values', () => {
      const command = dialect.decode(packet('{"id":"c1","desired":{"a":[1,[2]],"b":{"speed":9007199254740993}}}'), NOW_MS);
      const desired = { a: [1, [2]], b: { speed: 9_007_199_254_740_993n } };
      assert.deepEqual(command, { id: 'c1', device: 'press-07', desired });
    });

    it('reads a call of a method', () => {
      const read = (text: string) => dialect.decode(packet(text), NOW_MS);
      const head = { id: 'c1', device: 'press-07', method: 'start' };
      assert.deepEqual(read('{"id":"c1","method":"start","arguments":{"program":7,"offsets":[1.5]}}'), {
        ...head,
        arguments: { program: 7, offsets: [1.5] },
      });
      assert.deepEqual(read('{"id":"c1","method":"start"}'), { ...head, arguments: {} });
    });

    it('answers a call with its outputs, or with why it was not made', () => {
      const head = { id: 'c1', device: 'press-07', method: 'start', points: {} };
      const bodyOf = (result: CommandResult) => JSON.parse(Buffer.from(dialect.encodeResult(result).payload).toString());
      const sent = { schema: 'gw.result/1', id: 'c1', twin: 'press-07', method: 'start' };
      const outputs = { job: 9_007_199_254_740_993n, steps: [1n, null] };
      assert.deepEqual(bodyOf({ ...head, status: 'done', outputs }), {
        ...sent,
        status: 'done',
        outputs: { job: '9007199254740993', steps: [1, null] },
      });
      const error = { code: 'COMMAND_UNKNOWN', message: 'no such method' } as const;
      assert.deepEqual(bodyOf({ ...head, status: 'refused', error }), { ...sent, status: 'refused', error });
    });

    it('is not concerned by other topics', () => {
      assert.equal(dialect.decode(packet('{}', { topic: 'gw-01/press-99/command' }), NOW_MS), undefined);
    });

    it('answers where the sender wants it, with its correlation data', () => {
      const request = { responseTopic: 'app/answers', correlationData: Buffer.from('k') };
      const command = dialect.decode(packet('{"id":"c1","desired":{"a":1}}', request), NOW_MS);
      assert.ok(command?.replyTo);
      const result = dialect.encodeResult({ id: 'c1', device: 'press-07', status: 'done', points: {}, replyTo: command.replyTo });
      assert.deepEqual([result.topic, Buffer.from(result.correlationData ?? []).toString()], ['app/answers', 'k']);
    });

    const many = JSON.stringify({
      id: 'c',
      desired: Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`p${index}`, 1])),
    });
    const refused: readonly [title: string, payload: string | Uint8Array, more?: Partial<Packet>][] = [
      ['larger than 64 KiB', `{"id":"c1","desired":{"a":"${'x'.repeat(65_536)}"}}`],
      ['that is not UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d)],
      ['that is not JSON', '{"id":'],
      ['that is empty', ''],
      ['that is a list', '[]'],
      ['nested deeply', '['.repeat(60_000)],
      ['with a key twice', '{"id":"c1","desired":{"a":1,"\\u0061":2}}'],
      ['with __proto__', '{"id":"c1","desired":{"__proto__":1}}'],
      ['with an unknown key', '{"id":"c1","desired":{"a":1},"twin":"press-08"}'],
      ['without an id', '{"desired":{"a":1}}'],
      ['with a number as id', '{"id":7,"desired":{"a":1}}'],
      ['without points', '{"id":"c1","desired":{}}'],
      ['without points and method', '{"id":"c1"}'],
      ['with points and settings', '{"id":"c1","desired":{"a":1},"settings":{"logLevel":"debug"}}'],
      ['without settings', '{"id":"c1","settings":{}}'],
      ['with a list as a setting', '{"id":"c1","settings":{"logLevel":["debug"]}}'],
      ['with an approval that is none', '{"id":"c1","approve":false}'],
      ['with the dry run of an approval', '{"id":"c1","approve":true,"dryRun":true}'],
      ['by nobody', '{"id":"c1","desired":{"a":1},"by":""}'],
      ['issued at no time', '{"id":"c1","desired":{"a":1},"issued":"soon"}'],
      ['with points and a method', '{"id":"c1","desired":{"a":1},"method":"start"}'],
      ['with arguments and no method', '{"id":"c1","desired":{"a":1},"arguments":{"b":1}}'],
      ['with an empty method', '{"id":"c1","method":""}'],
      ['with null as an argument', '{"id":"c1","method":"start","arguments":{"a":null}}'],
      ['with too many points', many],
      ['with null as a value', '{"id":"c1","desired":{"a":null}}'],
      ['with null inside of a value', '{"id":"c1","desired":{"a":[1,{"b":null}]}}'],
      ['with a number beyond any double inside of a value', '{"id":"c1","desired":{"a":[1e999]}}'],
      ['with a value nested too deeply', '{"id":"c1","desired":{"a":[[[[[[[1]]]]]]]}}'],
      ['with a number beyond any double', '{"id":"c1","desired":{"a":1e999}}'],
      ['with an expiry that is no time', '{"id":"c1","desired":{"a":1},"expires":"soon"}'],
      ['that is retained', '{"id":"c1","desired":{"a":1}}', { retain: true }],
      ['with a wildcard to answer to', '{"id":"c1","desired":{"a":1}}', { responseTopic: 'a/#' }],
      ['that wants its answer as a command', '{"id":"c1","desired":{"a":1}}', { responseTopic: TOPIC }],
    ];
    for (const [title, payload, more] of refused) {
      it(`refuses a command ${title}`, () => {
        assert.throws(() => dialect.decode(packet(payload, more), NOW_MS), { code: 'COMMAND_INVALID' });
      });
    }

    it('never does anything else than read or refuse, whatever comes', () => {
      const bytes = fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.json().map((text) => Buffer.from(text)),
      );
      fc.assert(
        fc.property(bytes, fc.option(fc.string({ unit: 'binary' }), { nil: undefined }), (payload, responseTopic) => {
          const more = responseTopic === undefined ? {} : { responseTopic };
          try {
            assert.equal(dialect.decode(packet(payload, more), NOW_MS)?.device, 'press-07');
          } catch (error) {
            assert.ok(error instanceof GatewayError && error.code === 'COMMAND_INVALID');
            assert.equal(json(dialect.encodeRefusal(packet(payload, more), error) ?? packet('{}')).status, 'refused');
          }
        }),
      );
    });
  });

  describe('settings', () => {
    const check = (settings: Readonly<Record<string, unknown>>, labels?: readonly string[]) => {
      const parsed = mqtt.settings.parse({ url: 'mqtts://broker.example', ...settings });
      return (
        mqtt.check as unknown as (settings: unknown, labels?: readonly string[]) => readonly { key?: string; hint?: string }[]
      )(parsed, labels);
    };

    it('finds nothing to complain of in the defaults', () => assert.deepEqual(check({}), []));

    const pair = { certificate: 'gw.crt', privateKey: new Secret('key', Buffer.from('')) };
    for (const [title, settings, key] of [
      ['plain MQTT beyond this machine', { url: 'mqtt://broker.example' }, 'url'],
      ['a host that only looks like loopback', { url: 'mqtt://127.0.0.1.example' }, 'url'],
      ['a client certificate without TLS', { url: 'mqtt://localhost', auth: pair }, 'auth'],
      ['a CA without TLS', { url: 'mqtt://localhost', ca: 'ca.crt' }, 'ca'],
      ['a wildcard in a topic', { topic: '{twin}/#' }, 'topic'],
      ['commands without a twin', { commands: { topic: 'commands' } }, 'commands'],
      ['results that come back as commands', { commands: { results: '{gateway}/{twin}/command' } }, 'commands'],
      ['metadata without a topic of its own', { topic: '{twin}', shape: 'opcua-pubsub-json' }, 'topic'],
      ['Plug and Play without properties', { protocol: '3.1.1', shape: 'pnp' }, 'shape'],
      ['CloudEvents whose attributes have no place', { protocol: '3.1.1', shape: { cloudevents: { mode: 'binary' } } }, 'shape'],
      ['a keep-alive of less than a second', { keepAlive: '500 ms' }, 'keepAlive'],
    ] as const) {
      it(`complains of ${title}`, () =>
        assert.deepEqual(
          check(settings).map((remark) => remark.key),
          [key],
        ));
    }

    it('lets plain MQTT leave the machine when told so', () => {
      assert.deepEqual(check({ url: 'mqtt://broker.example', insecure: true }), []);
    });

    it('knows which label was meant', () => {
      assert.equal(check({ topic: '{tennant}/{twin}' }, ['tenant', 'site'])[0]?.hint, 'did you mean `{tenant}`?');
    });
  });
});
