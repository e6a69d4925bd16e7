import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { TimedValue, TwinMessage } from '../../src/model/twin-message.ts';
import { someScalar, type Value } from '../../src/model/value.ts';
import { createShape } from '../../src/northbound/shapes/index.ts';
import { anyValue } from '../support/any-value.ts';
import { DECODERS, type Told } from './shape-decoders.ts';
import { CONTEXT, SHAPES, storedOf, T0_MS } from './shape-messages.ts';

/** What a message may hold: the assembler has taken out what no number is. */
const anySound = anyValue.filter((value) => !someScalar(value, (one) => typeof one === 'number' && !Number.isFinite(one)));

/** The value of a bad reading is left out: `pnp` does not send it. */
const anyTimed: fc.Arbitrary<TimedValue> = fc
  .tuple(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 10_000 })), anySound, fc.integer({ min: 0, max: 5 }))
  .map(([offsetMs, value, choice]): TimedValue => {
    if (choice === 0) return [offsetMs, null, 'bad', 'BadCommunicationError'];
    if (choice === 1) return [offsetMs, null, 'bad', 'BadTimeout'];
    return choice === 2 ? [offsetMs, value, 'uncertain', 'UncertainLastUsableValue'] : [offsetMs, value];
  });

const anyName = fc.stringMatching(/^[A-Za-z](?:[A-Za-z0-9_]{0,5}[A-Za-z0-9])?$/);
const anyPoints = fc.dictionary(anyName, fc.array(anyTimed, { minLength: 1, maxLength: 6 }), { minKeys: 1, maxKeys: 6 });

/** Of one point in order of time; names may be those that mean something to a format. */
const anyMessage = fc
  .record({ points: anyPoints, schema: fc.option(anyTimed), time: fc.option(anyTimed) })
  .map(({ points, schema, time }): TwinMessage => {
    const special = { ...(schema === null ? {} : { schema: [schema] }), ...(time === null ? {} : { value: [time] }) };
    const values = Object.fromEntries(
      Object.entries({ ...points, ...special }).map(([name, timed]) => [name, timed.toSorted((a, b) => a[0] - b[0])]),
    );
    return { twin: 'press-07', kind: 'telemetry', startTimeMs: T0_MS, values };
  });

/** Large integers are texts; OPC UA has all of 64 bits as text. */
function asJson(value: Value | null, shape: string): unknown {
  const isText = (part: bigint) => shape === 'opcua-pubsub-json' || part > 9007199254740991n || part < -9007199254740991n;
  const text = JSON.stringify(value, (_key, part: unknown) =>
    typeof part !== 'bigint' ? part : isText(part) ? String(part) : Number(part),
  );
  return JSON.parse(text);
}

function toldBy({ startTimeMs, values }: TwinMessage, shape: string): readonly Told[] {
  return Object.entries(values).flatMap(([name, timed]) =>
    timed.map(
      ([offset, value, quality = 'good', status = '']): Told => [
        name,
        startTimeMs + offset,
        asJson(value, shape),
        quality,
        status,
      ],
    ),
  );
}

/** Of one point the order counts: of two values of one time the later is the one that holds. */
function byPoint(told: readonly Told[]) {
  return Object.fromEntries([...Map.groupBy(told, ([name]) => name)].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

describe('shapes, read by somebody else', () => {
  it('has a decoder for each shape', () => assert.deepEqual(Object.keys(DECODERS).toSorted(), Object.keys(SHAPES).toSorted()));

  for (const [shape, decode] of Object.entries(DECODERS)) {
    it(`keeps each value, time and quality (${shape})`, () => {
      fc.assert(
        fc.property(anyMessage, (message) => {
          const packets = createShape(SHAPES[shape] ?? assert.fail(), CONTEXT).encode(storedOf(message), T0_MS);
          assert.deepEqual(byPoint(decode(packets)), byPoint(toldBy(message, shape)));
        }),
      );
    });
  }
});
