import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { Secret } from '../../src/model/secret.ts';
import { compressPayload } from '../../src/northbound/compress.ts';
import type { Packet } from '../../src/northbound/dialect.ts';
import { azureIotHub } from '../../src/northbound/dialects/azure-iot-hub/definition.ts';
import { createAzureDialect } from '../../src/northbound/dialects/azure-iot-hub/dialect.ts';
import { decodeBag } from '../../src/northbound/dialects/azure-iot-hub/property-bag.ts';
import type { ShapeSetting } from '../../src/northbound/shapes/settings.ts';
import { textOf } from '../../src/receiver/decompress.ts';
import { KEY } from '../support/azure/plant.ts';
import { HandClock } from '../support/hand-clock.ts';
import { device, dialectContext, mqttDialect } from './plant.ts';
import { MESSAGES, storedOf, T0_MS, TELEMETRY } from './shape-messages.ts';

function only(packets: readonly Packet[]): Packet {
  const [packet = assert.fail('no packet'), ...others] = packets;
  assert.equal(others.length, 0);
  return packet;
}

describe('compression', () => {
  const plain = only(mqttDialect().encode(storedOf(TELEMETRY), T0_MS));

  for (const compress of ['gzip', 'zstd'] as const) {
    it(`makes a message smaller, and says so (${compress})`, () => {
      const packet = only(mqttDialect({ compress }).encode(storedOf(TELEMETRY), T0_MS));
      assert.ok(packet.payload.length < plain.payload.length);
      assert.deepEqual([packet.isBinary, packet.contentType], [true, plain.contentType]);
      assert.deepEqual(packet.properties, { ...plain.properties, 'content-encoding': compress });
      assert.equal(textOf(packet.payload), Buffer.from(plain.payload).toString());
    });

    it(`leaves alone what would not be smaller (${compress})`, () => {
      assert.equal(compressPayload(randomBytes(4_000), compress), undefined);
      assert.equal(compressPayload(Buffer.from('{"a":1}'), compress), undefined);
      fc.assert(
        fc.property(fc.string({ maxLength: 400 }), (text) => {
          const payload = Buffer.from(text);
          const compressed = compressPayload(payload, compress);
          assert.ok(compressed === undefined || compressed.length < payload.length);
          assert.equal(textOf(compressed ?? payload), payload.toString());
        }),
      );
    });

    it(`is the same for the same bytes, small or large (${compress})`, () => {
      for (const rows of [100, 5_000]) {
        const text = JSON.stringify(Array.from({ length: rows }, (_, row) => [row * 1_000, 20 + (row % 17)]));
        const [once = assert.fail(), again = assert.fail()] = [1, 2].map(() => compressPayload(Buffer.from(text), compress));
        assert.deepEqual(once, again);
        assert.equal(textOf(once), text);
      }
    });
  }

  it('leaves the status of the gateway and its last will as they are', () => {
    const dialect = mqttDialect({ compress: 'gzip' });
    const packets = [dialect.wire.will, ...(dialect.birth?.(new HandClock(T0_MS)) ?? []), dialect.death?.(new HandClock(T0_MS))];
    for (const packet of packets) assert.equal(packet?.payload[0], '{'.charCodeAt(0));
  });

  it('is read by the gzip of everybody', () => {
    const { payload } = only(mqttDialect({ compress: 'gzip' }).encode(storedOf(TELEMETRY), T0_MS));
    assert.deepEqual(execFileSync('gzip', ['-dc'], { input: payload }), Buffer.from(plain.payload));
  });

  it('is told to Azure as the content encoding, where it is one', () => {
    const auth = { key: new Secret('key', Buffer.from(KEY)) };
    const encode = (shape: ShapeSetting) => {
      const settings = azureIotHub.settings.parse({ host: 'h.azure-devices.net', auth, compress: 'gzip', shape });
      const hub = { name: 'cloud', dialect: 'azure-iot-hub', settings };
      return only(createAzureDialect(hub, dialectContext([device('press-07')])).encode(storedOf(TELEMETRY), T0_MS));
    };
    const encoding = ({ topic }: Packet) => decodeBag(topic.slice(topic.lastIndexOf('/') + 1))?.['$.ce'];
    const [large, small] = [encode('twin'), encode({ template: { each: 'message', body: 'short' } })];
    assert.deepEqual([large, small].map(encoding), ['gzip', 'utf-8']);
    assert.equal(JSON.parse(gunzipSync(large.payload).toString()).seq, 58);
    assert.equal(Buffer.from(small.payload).toString(), 'short');
  });
});

describe('a receiver of compressed messages', () => {
  it('is not led astray by damage or by what would be endless', () => {
    const text = JSON.stringify(MESSAGES, (_, value) => (typeof value === 'bigint' ? String(value) : value));
    const compressed = compressPayload(Buffer.from(text), 'zstd') ?? assert.fail();
    assert.equal(textOf(compressed.subarray(0, -5)), undefined);
    assert.equal(textOf(gzipSync(Buffer.alloc(20 * 2 ** 20))), undefined);
  });
});
