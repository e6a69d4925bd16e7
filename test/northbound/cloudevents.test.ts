import assert from 'node:assert/strict';
import { type CloudEvent, MQTT, MQTTMessageFactory } from 'cloudevents';
import { createShape } from '../../src/northbound/shapes/index.ts';
import { CONTEXT, MESSAGES, SHAPES, storedOf, T0_MS } from './shape-messages.ts';

/** What the SDK of the CloudEvents project reads from what we send. */
function read(shape: string, name: string): CloudEvent<Record<string, unknown>> {
  const message = storedOf(MESSAGES[name] ?? assert.fail());
  const [packet = assert.fail()] = createShape(SHAPES[shape] ?? assert.fail(), CONTEXT).encode(message, T0_MS + 3_000);
  const received = MQTTMessageFactory(packet.contentType, packet.properties, packet.payload);
  assert.ok(MQTT.isEvent(received));
  const event = MQTT.toEvent<Record<string, unknown>>(received);
  assert.ok(!Array.isArray(event));
  return event as CloudEvent<Record<string, unknown>>;
}

describe('shape cloudevents, read by the SDK', () => {
  for (const shape of ['cloudevents', 'cloudevents-binary']) {
    for (const name of Object.keys(MESSAGES)) {
      it(`is a valid event with the message as its data (${name}, ${shape})`, () => {
        const event = read(shape, name);
        assert.ok(event.validate());
        assert.deepEqual([event.id, event.source, event.subject], ['gw-01:press-07:8f3a:58', '/gw-01/press-07', 'press-07']);
        assert.deepEqual([event.sequence, event.time], ['00000000000000000058', '2026-01-01T00:00:04.980Z']);
        const [twin = assert.fail()] = createShape('twin', CONTEXT).encode(
          storedOf(MESSAGES[name] ?? assert.fail()),
          T0_MS + 3_000,
        );
        // The SDK leaves a payload of the binary mode as it came.
        const data = typeof event.data === 'string' ? JSON.parse(event.data) : event.data;
        assert.deepEqual(data, JSON.parse(twin.payload));
      });
    }
  }
});
