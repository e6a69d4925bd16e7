import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Stored, TwinMessage } from '../../src/model/twin-message.ts';
import { shapes } from '../../src/northbound/shapes/index.ts';
import { SHAPE_NAMES } from '../../src/northbound/shapes/names.ts';

const T0_MS = 1_767_225_604_980;
const press = { twin: 'press-07', model: 'dtmi:com:example:press;1', startTimeMs: T0_MS, values: {} } as const;

const MESSAGES: Readonly<Record<string, TwinMessage>> = {
  telemetry: {
    ...press,
    kind: 'telemetry',
    values: {
      temperature: [
        [0, 71.4],
        [1000, 71.6],
        [2000, 71.5],
      ],
      strokes: [
        [20, 120345n],
        [1020, 9007199254740993n],
        [2020, -9223372036854775808n],
      ],
      pressure: [
        [20, null, 'bad', 'BadCommunicationError'],
        [1020, 4.2, 'uncertain', 'UncertainLastUsableValue'],
      ],
      running: [[0, true]],
      text: [[0, 'Grüße "quoted" \u2028']],
    },
  },
  compound: {
    ...press,
    kind: 'telemetry',
    values: {
      zones: [
        [0, [71.4, null, 70]],
        [1000, [71.5, null, 70], 'uncertain', 'UncertainEngineeringUnitsExceeded'],
      ],
      motor: [[0, { speed: 900, total: 9007199254740993n, mode: 'auto', phases: [1n, 2n] }]],
    },
  },
  property: { ...press, kind: 'property', values: { emergencyStop: [[0, false]] } },
  gap: {
    ...press,
    kind: 'gap',
    gap: {
      reason: 'overflow',
      fromSequence: 41,
      toSequence: 57,
      fromTimeMs: T0_MS,
      toTimeMs: T0_MS + 60_000,
      messages: 17,
      readings: 340,
      points: ['temperature'],
    },
  },
  event: {
    ...press,
    kind: 'event',
    body: { event: 'alarm', name: 'overTemperature', severity: 700, active: true, id: 'forged' },
  },
  status: { ...press, kind: 'status', body: { state: 'down', error: 'BadTimeout' } },
};

const encode = (shape: keyof typeof shapes, message: TwinMessage, sentTimeMs = T0_MS + 3_000) => {
  const stored: Stored = { offset: 7, sequence: 58, epoch: '8f3a', message };
  return shapes[shape]({ gateway: 'gw-01', labels: { site: 'plant-a' }, stored, sentTimeMs, historyAfterMs: 60_000 });
};

describe('shapes', () => {
  for (const shape of SHAPE_NAMES) {
    for (const [name, message] of Object.entries(MESSAGES)) {
      it(`encodes ${name} as ${shape}, as its golden file says`, async () => {
        const golden = await readFile(new URL(`golden/${name}.${shape}.json`, import.meta.url), 'utf8');
        assert.deepEqual(JSON.parse(JSON.stringify(encode(shape, message))), JSON.parse(golden));
      });
    }

    it(`marks what is sent late as history (${shape})`, () => {
      const message = MESSAGES.telemetry ?? assert.fail();
      assert.equal(encode(shape, message, T0_MS + 62_020).history, false);
      assert.equal(encode(shape, message, T0_MS + 62_021).history, true);
    });

    it(`marks what comes from the history of a device as history, however early it is sent (${shape})`, () => {
      assert.equal(encode(shape, { ...(MESSAGES.telemetry ?? assert.fail()), isHistory: true }).history, true);
    });

    it(`gives the same id at every attempt (${shape})`, () => {
      const message = MESSAGES.gap ?? assert.fail();
      assert.equal(encode(shape, message, T0_MS).id, encode(shape, message, T0_MS + 86_400_000).id);
    });
  }

  it('names the epoch of missing numbers where it is not that of the gap record', () => {
    const gap = { ...(MESSAGES.gap?.gap ?? assert.fail()), epoch: '71aa' };
    const { gap: sent } = encode('twin', { ...press, kind: 'gap', gap }) as { gap: { epoch?: string } };
    assert.equal(sent.epoch, '71aa');
  });
});
