import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import type { Socket } from 'node:net';
import { createMqttHub } from '../../../src/northbound/mqtt-hub.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { FUZZ_PATIENCE_MS, frames, seeds, tell } from '../../support/fuzz.ts';
import { SinkBroker } from '../../support/sink-broker.ts';
import { mqttDialect } from '../plant.ts';
import { startAwsHub } from './aws-hub.ts';
import { startAzureHub } from './azure-hub.ts';
import { HostileRun } from './hostile-run.ts';
import { startMqttHub } from './mqtt-hub.ts';
import { seeded } from './random.ts';
import { startSparkplugHub } from './sparkplug-hub.ts';

const HUBS = {
  mqtt: startMqttHub,
  'azure-iot-hub': startAzureHub,
  'aws-iot-core': startAwsHub,
  'sparkplug-b': startSparkplugHub,
};

describe('hostile packets from the hub', function () {
  this.timeout(FUZZ_PATIENCE_MS);

  for (const [dialect, startHub] of Object.entries(HUBS)) {
    for (const seed of seeds()) {
      it(`of ${dialect} crash nothing, write nothing, and each is in the audit log, seed ${seed}`, async () => {
        const run = await HostileRun.start(startHub);
        try {
          tell(dialect, await run.attack(frames(400), seeded(seed)));
          await run.assertUnharmed();
        } finally {
          await run.end();
        }
      });
    }
  }

  it('that are no MQTT at all cost the connection, nothing else', async () => {
    const sockets: Socket[] = [];
    const broker = await SinkBroker.start({ service: { connect: ({ socket }) => sockets.push(socket) * 0 } });
    const hub = createMqttHub('cloud', mqttDialect({ url: broker.url, connectTimeout: '5 s' }), systemClock);
    const lost = new Map<string, number>();
    const count = Math.min(2_000, Math.ceil(frames(3_000) / 50));
    for (let index = 0; index < count; index += 1) {
      const session = await hub.open(new AbortController().signal);
      session.commands.subscribe(() => assert.fail('a command'));
      sockets.at(-1)?.write(garbage(index));
      sockets.at(-1)?.end();
      const { code } = await session.lost;
      lost.set(code, (lost.get(code) ?? 0) + 1);
      await session.close();
    }
    await broker.stop();
    tell('no MQTT', Object.fromEntries(lost));
    assert.deepEqual(
      [...lost.keys()].filter((code) => !code.startsWith('HUB_')),
      [],
    );
  });
});

/** Random bytes, or a packet of each type with a length that is true, too small or absurd. */
function garbage(index: number): Buffer {
  const noise = randomFillSync(Buffer.alloc(1 + (index % 97)));
  if (index % 3 === 0) return noise;
  const length = index % 3 === 1 ? [noise.length] : [0xff, 0xff, 0xff, index % 2 === 0 ? 0x7f : 0xff];
  return Buffer.concat([Buffer.from([((index % 16) << 4) | (index % 7), ...length]), noise]);
}
