import assert from 'node:assert/strict';
import { Subject } from 'rxjs';
import type { Draft } from '../../../src/model/draft.ts';
import type { Reading } from '../../../src/model/reading.ts';
import { classOf } from '../../../src/model/twin-message.ts';
import { azureIotHub } from '../../../src/northbound/dialects/azure-iot-hub/definition.ts';
import { assemble } from '../../../src/pipeline/assembler.ts';
import { readBag } from '../../support/azure/message-rules.ts';
import { azureDialect, press } from '../../support/azure/plant.ts';
import { HandScheduler } from '../../support/hand-scheduler.ts';

const CHUNK_BYTES = 4_096;
const READINGS = 3_000;

/** Bytes of each message that a stream of values becomes, with everything that counts, one value a second. */
function sizesOf(valueAt: (second: number) => number, more: Readonly<Record<string, unknown>> = {}): readonly number[] {
  const settings = { host: 'acme.azure-devices.net', ...more };
  const maxBytes = azureIotHub.messageBytes?.(settings as never) ?? 0;
  const device = press('press-07', { message: { maxBytes, maxAgeMs: 3_600_000 }, model: 'dtmi:com:acme:plant:Press;1' });
  const dialect = azureDialect({ settings, devices: [device] });
  const [temperature] = device.points;
  assert.ok(temperature !== undefined);
  const readings = new Subject<readonly Reading[]>();
  const drafts: Draft[] = [];
  const scheduler = new HandScheduler();
  readings
    .pipe(assemble(device, scheduler, { gateway: { id: 'plant-a-line-3', labels: { site: 'plant-a' } } }))
    .subscribe((draft) => {
      drafts.push(draft);
    });
  for (let index = 0; index < READINGS; index += 1) {
    const sourceTimeMs = 1_767_225_600_000 + index * 1_000;
    readings.next([{ point: temperature.point, value: valueAt(index), quality: 'good', sourceTimeMs }]);
  }
  return drafts.map(({ message }, index) => {
    const stored = { class: classOf(message), offset: index, sequence: 10_000_000 + index, epoch: '0123456789abcdef', message };
    const [packet, ...others] = dialect.encode(stored, message.startTimeMs);
    assert.ok(packet !== undefined && others.length === 0);
    const bag = readBag(packet.topic.split('/').at(-1) ?? '') ?? {};
    const beside = Object.entries(bag).map(([name, value]) => (name.startsWith('$.') ? '' : name) + (value ?? ''));
    const bytes = packet.payload.length + Buffer.byteLength(beside.join(''));
    assert.equal(dialect.billedBytes?.(packet, 'sent'), bytes);
    return bytes;
  });
}

const billedOf = (sizes: readonly number[]) => sizes.reduce((sum, bytes) => sum + Math.ceil(bytes / CHUNK_BYTES), 0);

describe('the size of a message to an IoT hub', () => {
  it('fills what is billed as one message, and does not pass it, with everything that counts', () => {
    const sizes = sizesOf((second) => 20 + (second % 97) / 8);
    assert.ok(sizes.length > 10);
    assert.ok(Math.max(...sizes) <= CHUNK_BYTES, `${Math.max(...sizes)}`);
    assert.ok(Math.min(...sizes) >= 0.85 * CHUNK_BYTES, `${Math.min(...sizes)}`);
  });

  const streams = {
    'a slow wave': { valueAt: (second: number) => 20 + Math.round(500 * Math.sin(second / 60)) / 100, share: 0.5 },
    'noise in tenths': { valueAt: (second: number) => Math.round(600 + 100 * noise(second)) / 10, share: 0.5 },
    'noise with all its digits': { valueAt: (second: number) => 20 + noise(second), share: 0.8 },
  };
  for (const [name, { valueAt, share }] of Object.entries(streams)) {
    it(`takes in what compression leaves room for: ${name}`, () => {
      const [plain, compressed] = [sizesOf(valueAt), sizesOf(valueAt, { compress: 'gzip' })];
      assert.ok(billedOf(compressed) <= share * billedOf(plain), `${billedOf(compressed)} of ${billedOf(plain)}`);
    });
  }
});

/** Between 0 and 1, always the same. */
function noise(index: number): number {
  const wave = Math.sin(index * 12.9898) * 43_758.5453;
  return wave - Math.floor(wave);
}
