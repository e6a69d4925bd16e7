import { classOf, type Stored, type TwinMessage } from '../../src/model/twin-message.ts';
import type { ShapeSetting } from '../../src/northbound/shapes/settings.ts';
import type { ShapeContext } from '../../src/northbound/shapes/shape.ts';
import { device, dialectContext } from './plant.ts';

export const T0_MS = 1_767_225_604_980;
const press = { twin: 'press-07', model: 'dtmi:com:example:press;1', startTimeMs: T0_MS, values: {} } as const;

export const EVENT: TwinMessage = {
  ...press,
  kind: 'event',
  body: { event: 'alarm', name: 'overTemperature', severity: 700, active: true, id: 'forged' },
};

export const GAP: TwinMessage = {
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
};

export const TELEMETRY: TwinMessage = {
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
};

/** Stamped before the gateway knew the time. */
const DOUBTED: TwinMessage = {
  ...press,
  kind: 'property',
  values: { emergencyStop: [[0, true]] },
  clock: { boot: 'b', offsetMs: 0 },
};

/** One of each kind, compound values, and times that were not known. */
export const MESSAGES: Readonly<Record<string, TwinMessage>> = {
  telemetry: TELEMETRY,
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
  gap: GAP,
  event: EVENT,
  status: { ...press, kind: 'status', body: { state: 'down', error: 'BadTimeout' } },
  doubted: { ...DOUBTED, isSentDoubted: true },
  corrected: { ...DOUBTED, clock: { boot: 'b', offsetMs: 0, correctedByMs: 90 } },
  'doubted-gap': { ...GAP, clock: { boot: 'b', offsetMs: 0 } },
};

/** Every shape with what it is called in the names of golden files. */
export const SHAPES: Readonly<Record<string, ShapeSetting>> = {
  twin: 'twin',
  expanded: 'expanded',
  pnp: 'pnp',
  cloudevents: 'cloudevents',
  'opcua-pubsub-json': 'opcua-pubsub-json',
  template: {
    template: {
      each: 'value',
      body: { n: '{point}', v: '{value}', t: '{timeMs}', q: ['{quality}', '{status}'], from: '{site}/{twin} #{seq}' },
    },
  },
  ditto: { ditto: { namespace: 'com.example' } },
  'cloudevents-binary': { cloudevents: { mode: 'binary' } },
};

export const CONTEXT: ShapeContext = {
  gateway: 'gw-01',
  labelsOf: () => ({ site: 'plant-a' }),
  devices: [device('press-07')],
  deviceOf: device,
  describe: dialectContext([]).describe,
  historyAfterMs: 60_000,
  startTimeMs: Date.UTC(2026, 0, 1),
};

export function storedOf(message: TwinMessage): Stored {
  return { class: classOf(message), offset: 7, sequence: 58, epoch: '8f3a', message };
}
