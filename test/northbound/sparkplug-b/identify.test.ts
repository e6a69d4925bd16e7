import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { identify } from '../../../src/northbound/dialects/sparkplug-b/identify.ts';
import { SinkBroker } from '../../support/sink-broker.ts';
import { edge, hubOf, message, NEVER, T0, values } from './plant.ts';

describe('which message a packet of an edge node is', () => {
  it('is said by each message and by nothing else', async () => {
    const broker = await SinkBroker.start();
    const node = await edge({ url: broker.url });
    node.field.read('press-07', 'temperature', 71.5, T0);
    const session = await hubOf(node).open(NEVER);
    const gap = {
      reason: 'overflow',
      fromSequence: 3,
      toSequence: 9,
      fromTimeMs: T0,
      toTimeMs: T0 + 500,
      messages: 7,
      readings: 70,
    };
    const unmeasured = { reason: 'device-away', fromTimeMs: T0, toTimeMs: T0 + 60_000, messages: 0, readings: 60 };
    const sent = [
      values('press-07', T0 - 9_000, {
        temperature: [
          [0, 60],
          [1_000, 61],
        ],
      }),
      values('press-07', T0 + 1_000, { temperature: [[0, 72]], text: [[0, 'new']] }),
      message('press-07', { kind: 'event', body: { name: 'overTemperature' } }),
      message('press-07', { kind: 'gap', gap }),
      message('press-07', { kind: 'gap', gap: unmeasured }),
    ];
    for (const one of sent) await session.publish(one);
    await session.respond({
      id: 'c1',
      device: 'press-07',
      status: 'done',
      points: { setpoint: { status: 'written', value: 5 } },
    });
    await session.close();
    await broker.stop();
    await rm(node.stateDirectory, { recursive: true });
    const told = broker.publishes.map((packet) => identify(packet)).filter((one) => one !== undefined);
    assert.deepEqual(
      told.map(({ sequence, readings, isHistory, gap: declared }) => [sequence, readings, isHistory, declared]),
      [
        [sent[0]?.sequence, 2, true, undefined],
        [sent[1]?.sequence, 2, false, undefined],
        [sent[2]?.sequence, 1, false, undefined],
        [
          sent[3]?.sequence,
          0,
          false,
          { reason: 'overflow', epoch: 'e1', from: 3, to: 9, messages: 7, readings: 70, durationMs: 500 },
        ],
        [sent[4]?.sequence, 0, false, { reason: 'device-away', epoch: 'e1', messages: 0, readings: 60, durationMs: 60_000 }],
      ],
    );
    assert.deepEqual(
      told.map(({ id, gateway, twin, epoch }) => [id, gateway, twin, epoch]),
      sent.map(({ sequence }) => [`gw-01:press-07:e1:${sequence}`, 'gw-01', 'press-07', 'e1']),
    );
  });

  it('is nothing that somebody else sends', () => {
    for (const bytes of [[], [0xff, 0xff], [0x22, 0x01, 0x78], [0x22, 0x05, 0x61, 0x3a, 0x62, 0x3a, 0x30]])
      assert.equal(identify({ payload: Uint8Array.from(bytes) }), undefined);
  });
});
