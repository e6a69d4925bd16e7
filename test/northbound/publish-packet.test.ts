import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parser as createParser, type IPublishPacket } from 'mqtt-packet';
import type { Packet } from '../../src/northbound/dialect.ts';
import { toPacket } from '../../src/northbound/wire/client-options.ts';
import { encodePublish, type PublishFacts } from '../../src/northbound/wire/publish-packet.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 300 });
const bytes = fc.uint8Array({ maxLength: 20_000 }).map((array) => Buffer.from(array));
const key = text.filter((name) => name !== '__proto__');

const packets = fc.record(
  {
    topic: text.filter((topic) => topic !== ''),
    payload: bytes,
    qos: fc.constantFrom(0 as const, 1 as const),
    retain: fc.boolean(),
    properties: fc.dictionary(key, text, { minKeys: 1, maxKeys: 5, noNullPrototype: true }),
    contentType: text,
    expiryS: fc.nat(),
    responseTopic: text,
    correlationData: bytes.map((data) => data.subarray(0, 500)),
  },
  { requiredKeys: ['topic', 'payload', 'qos', 'retain'], noNullPrototype: true },
);

function parsed(packet: Packet, facts: PublishFacts): IPublishPacket {
  const got: IPublishPacket[] = [];
  const parser = createParser({ protocolVersion: facts.protocolVersion });
  parser.on('packet', (each) => got.push(each as IPublishPacket));
  assert.equal(parser.parse(encodePublish(packet, facts)), 0, 'no byte too many or too few');
  assert.deepEqual(
    got.map(({ cmd, qos, dup }) => [cmd, qos, dup]),
    [['publish', packet.qos, false]],
  );
  return got[0] as IPublishPacket;
}

describe('a PUBLISH of ours', () => {
  const facts = { id: 4_711, keepsRetained: true } as const;

  it('is read by mqtt-packet as it was meant, MQTT 5', () => {
    fc.assert(
      fc.property(packets, (packet: Packet) => {
        const got = parsed(packet, { ...facts, protocolVersion: 5, aliased: { topic: packet.topic } });
        assert.deepEqual(toPacket(got.topic, got), packet);
        assert.deepEqual([got.messageId, got.properties?.payloadFormatIndicator], [packet.qos === 0 ? undefined : 4_711, true]);
      }),
    );
  });

  it('is read by mqtt-packet as it was meant, MQTT 3.1.1', () => {
    fc.assert(
      fc.property(packets, (packet: Packet) => {
        const got = parsed(packet, { ...facts, protocolVersion: 4, aliased: { topic: packet.topic } });
        const { topic, payload, qos, retain } = packet;
        assert.deepEqual(toPacket(got.topic, got), { topic, payload, qos, retain });
      }),
    );
  });

  it('has an alias in place of the topic, tells that it is no text, and is not retained where the hub keeps nothing', () => {
    const packet: Packet = { topic: 'a', payload: Buffer.of(1), qos: 1, retain: true, isBinary: true };
    const aliased = { topic: '', topicAlias: 300 };
    const { topic, retain, properties } = parsed(packet, { ...facts, protocolVersion: 5, keepsRetained: false, aliased });
    assert.deepEqual([topic, retain, { ...properties }], ['', false, { topicAlias: 300 }]);
  });
});
