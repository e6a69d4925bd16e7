import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { TwinMessage } from '../../src/model/twin-message.ts';
import { createShape } from '../../src/northbound/shapes/index.ts';
import { CONTEXT, GAP, MESSAGES, SHAPES, storedOf, T0_MS, TELEMETRY } from './shape-messages.ts';

type Json = Readonly<Record<string, unknown>>;

function encode(shape: string, message: TwinMessage, sentTimeMs = T0_MS + 3_000) {
  const packets = createShape(SHAPES[shape] ?? assert.fail(), CONTEXT).encode(storedOf(message), sentTimeMs);
  return packets.map(({ payload, ...rest }) => ({ ...rest, payload: JSON.parse(payload) as Json }));
}

describe('shapes', () => {
  for (const shape of Object.keys(SHAPES)) {
    for (const [name, message] of Object.entries(MESSAGES)) {
      it(`encodes ${name} as ${shape}, as its golden file says`, async () => {
        const golden = await readFile(new URL(`golden/${name}.${shape}.json`, import.meta.url), 'utf8');
        assert.deepEqual(encode(shape, message), JSON.parse(golden));
      });
    }

    const historyOf = (message: TwinMessage, sentTimeMs?: number) => [
      ...new Set(encode(shape, message, sentTimeMs).map(({ properties }) => properties.history)),
    ];

    it(`marks what is sent late as history (${shape})`, () => {
      assert.deepEqual(historyOf(TELEMETRY, T0_MS + 62_020), ['false']);
      assert.deepEqual(historyOf(TELEMETRY, T0_MS + 62_021), ['true']);
    });

    it(`marks what comes from the history of a device as history, however early it is sent (${shape})`, () => {
      assert.deepEqual(historyOf({ ...TELEMETRY, isHistory: true }), ['true']);
    });

    it(`gives the same at every attempt, apart from what tells the time of sending (${shape})`, () => {
      const attempts = [T0_MS, T0_MS + 86_400_000].map((timeMs) => JSON.stringify(encode(shape, GAP, timeMs)));
      const [first, second] = attempts.map((text) => text.replaceAll(/"(sent|recordedtime|history)":("[^"]*"|true|false)/g, ''));
      assert.equal(first, second);
    });
  }

  it('names the epoch of missing numbers where it is not that of the gap record', () => {
    const gap = { ...(GAP.gap ?? assert.fail()), epoch: '71aa' };
    const [sent = assert.fail()] = encode('twin', { ...GAP, gap });
    assert.equal((sent.payload.gap as Json).epoch, '71aa');
  });
});
