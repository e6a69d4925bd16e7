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

describe('the size of a message to an IoT hub', () => {
  it('fills what is billed as one message, and does not pass it, with everything that counts', () => {
    const maxBytes = azureIotHub.messageBytes ?? 0;
    const device = press('press-07', { message: { maxBytes, maxAgeMs: 3_600_000 }, model: 'dtmi:com:acme:plant:Press;1' });
    const dialect = azureDialect({ settings: { host: 'acme.azure-devices.net' }, devices: [device] });
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
    for (let index = 0; index < 3_000; index += 1) {
      const value = 20 + (index % 97) / 8;
      readings.next([{ point: temperature.point, value, quality: 'good', sourceTimeMs: 1_767_225_600_000 + index * 1_000 }]);
    }
    const sizes = drafts.map(({ message }, index) => {
      const stored = { class: classOf(message), offset: index, sequence: 10_000_000 + index, epoch: '0123456789abcdef', message };
      const [packet, ...more] = dialect.encode(stored, message.startTimeMs);
      assert.ok(packet !== undefined && more.length === 0);
      const bag = readBag(packet.topic.split('/').at(-1) ?? '') ?? {};
      const beside = Object.entries(bag).map(([name, value]) => (name.startsWith('$.') ? '' : name) + (value ?? ''));
      return packet.payload.length + Buffer.byteLength(beside.join(''));
    });
    assert.ok(sizes.length > 10);
    assert.ok(Math.max(...sizes) <= CHUNK_BYTES, `${Math.max(...sizes)}`);
    assert.ok(Math.min(...sizes) >= 0.85 * CHUNK_BYTES, `${Math.min(...sizes)}`);
  });
});
