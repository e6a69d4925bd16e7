import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { Subject } from 'rxjs';
import type { Draft } from '../../src/model/draft.ts';
import type { Reading } from '../../src/model/reading.ts';
import { countReadings, type Stored } from '../../src/model/twin-message.ts';
import { encodeTwin } from '../../src/northbound/shapes/twin.ts';
import { assemble } from '../../src/pipeline/assembler.ts';
import { anyValue } from '../support/any-value.ts';
import { type DeviceSketch, deviceOf, type ReadingSketch, readingOf } from '../support/device.ts';
import { HandScheduler } from '../support/hand-scheduler.ts';

class Assembly {
  readonly scheduler = new HandScheduler(1_000_000);
  readonly drafts: Draft[] = [];
  isComplete = false;
  readonly #device;
  readonly #source = new Subject<readonly Reading[]>();

  constructor(sketch: Partial<DeviceSketch> = {}) {
    this.#device = deviceOf({ points: { a: {}, b: {}, door: { as: 'property' } }, ...sketch });
    this.#source.pipe(assemble(this.#device, this.scheduler, { gateway: GATEWAY })).subscribe({
      next: (draft) => this.drafts.push(draft),
      complete: () => {
        this.isComplete = true;
      },
    });
  }

  send(...readings: readonly ReadingSketch[]): void {
    this.#source.next(readings.map((reading) => readingOf(this.#device, reading)));
  }

  complete(): readonly Draft[] {
    this.#source.complete();
    return this.drafts;
  }
}

const GATEWAY = { id: 'plant-a-line-3', labels: { site: 'plant-a', owner: 'Zoë', costCenter: '4711'.repeat(50) } };

/** As the default shape encodes it, its numbers as long as they get. */
function sizeOf({ message }: Draft): number {
  const stored: Stored = { class: 'telemetry', offset: 0, sequence: Number.MAX_SAFE_INTEGER, epoch: randomUUID(), message };
  const encoded = encodeTwin({ gateway: GATEWAY.id, labels: GATEWAY.labels, stored, sentTimeMs: 0, historyAfterMs: 0 });
  return Buffer.byteLength(JSON.stringify(encoded));
}

describe('the assembler', () => {
  it('closes a message by the age of its first reading', () => {
    const assembly = new Assembly({ model: 'dtmi:acme:Press;1' });
    assembly.send(['a', 5_000, 1]);
    assembly.scheduler.advance(3_000);
    assembly.send(['a', 8_000, 2], ['b', 7_990, true]);
    assembly.scheduler.advance(1_999);
    assert.deepEqual(assembly.drafts, []);
    assembly.scheduler.advance(1);
    assert.deepEqual(assembly.drafts, [
      {
        message: {
          twin: 'press-07',
          model: 'dtmi:acme:Press;1',
          kind: 'telemetry',
          startTimeMs: 5_000,
          values: {
            a: [
              [0, 1],
              [3_000, 2],
            ],
            b: [[2_990, true]],
          },
        },
        hubs: ['cloud'],
      },
    ]);
    assert.equal(assembly.scheduler.waiting, 0);
  });

  it('sends properties and telemetry apart', () => {
    const assembly = new Assembly();
    assembly.send(['a', 0, 1], ['door', 0, true], ['b', 0, 2]);
    const kinds = assembly.complete().map(({ message }) => [message.kind, Object.keys(message.values)]);
    assert.deepEqual(kinds, [
      ['telemetry', ['a', 'b']],
      ['property', ['door']],
    ]);
  });

  it('sends each kind to its hubs, and makes no message that nobody wants', () => {
    const assembly = new Assembly({ hubs: { telemetry: [], property: ['cloud', 'historian'] } });
    assembly.send(['a', 0, 1], ['door', 0, true]);
    assert.deepEqual(
      assembly.complete().map(({ message, hubs }) => [message.kind, hubs]),
      [['property', ['cloud', 'historian']]],
    );
  });

  it('says quality and status only where not good', () => {
    const assembly = new Assembly();
    assembly.send(['a', 0, 1, 'uncertain', 'UncertainLastUsableValue'], ['b', 0, null, 'bad', 'BadTimeout']);
    assert.deepEqual(assembly.complete()[0]?.message.values, {
      a: [[0, 1, 'uncertain', 'UncertainLastUsableValue']],
      b: [[0, null, 'bad', 'BadTimeout']],
    });
  });

  it('turns what JSON cannot carry into null with a reason, and keeps 64-bit integers', () => {
    const assembly = new Assembly();
    assembly.send(['a', 0, Number.NaN], ['a', 1, Number.NEGATIVE_INFINITY], ['a', 2, 2n ** 63n], ['b', 0, null]);
    assert.deepEqual(assembly.complete()[0]?.message.values, {
      a: [
        [0, null, 'bad', 'BadDecodingError'],
        [1, null, 'bad', 'BadDecodingError'],
        [2, 2n ** 63n],
      ],
      b: [[0, null, 'bad', 'BadNoData']],
    });
  });

  it('turns NaN inside of an array or a structure into null there, and keeps the rest', () => {
    const assembly = new Assembly();
    assembly.send(['a', 0, [1, Number.NaN, [Number.POSITIVE_INFINITY, 2n]]], ['b', 0, { speed: Number.NaN, mode: 'auto' }]);
    assert.deepEqual(assembly.complete()[0]?.message.values, {
      a: [[0, [1, null, [null, 2n]]]],
      b: [[0, { speed: null, mode: 'auto' }]],
    });
  });

  it('starts the message at its earliest reading, whichever came first', () => {
    const assembly = new Assembly();
    assembly.send(['a', 1_000, 1], ['b', 400, 2]);
    const [draft] = assembly.complete();
    assert.equal(draft?.message.startTimeMs, 400);
    assert.deepEqual(draft?.message.values, { a: [[600, 1]], b: [[0, 2]] });
  });

  it('begins a new message when a point goes back in time', () => {
    const assembly = new Assembly();
    assembly.send(['a', 1_000, 1], ['b', 1_000, 1], ['a', 900, 2]);
    assert.deepEqual(
      assembly.complete().map(({ message }) => [message.startTimeMs, message.values]),
      [
        [1_000, { a: [[0, 1]], b: [[0, 1]] }],
        [900, { a: [[0, 2]] }],
      ],
    );
  });

  it('does not hold a message back when the clock is set back', () => {
    const assembly = new Assembly();
    assembly.send(['a', 0, 1]);
    assembly.scheduler.advance(1_000);
    assembly.scheduler.jump(-900_000);
    assembly.scheduler.advance(4_000);
    assert.equal(assembly.drafts.length, 1);
  });

  it('gives each point its own numbers, texts and bad readings, in one message after the other', () => {
    const assembly = new Assembly();
    const sent: readonly ReadingSketch[] = [
      ['b', 1_000, 1],
      ['a', 1_100, null, 'bad', 'BadTimeout'],
      ['b', 1_200, 'two'],
      ['a', 1_300, 3.5],
      ['b', 1_400, true],
    ];
    assembly.send(...sent);
    assembly.scheduler.advance(10_000);
    assembly.send(['a', 2_000, 4], ['b', 2_100, 'five'], ['a', 2_000, 6]);
    const [first, second] = assembly.complete().map(({ message }) => message);
    assert.deepEqual(Object.entries(first?.values ?? {}), [
      ...[
        [
          'b',
          [
            [0, 1],
            [200, 'two'],
            [400, true],
          ],
        ],
      ],
      ...[
        [
          'a',
          [
            [100, null, 'bad', 'BadTimeout'],
            [300, 3.5],
          ],
        ],
      ],
    ]);
    assert.equal(second?.startTimeMs, 2_000);
    assert.deepEqual(second?.values, {
      a: [
        [0, 4],
        [0, 6],
      ],
      b: [[100, 'five']],
    });
  });

  it('says that a text is too large for any message', () => {
    const assembly = new Assembly({ message: { maxBytes: 2_000 } });
    assembly.send(['a', 0, 1], ['a', 1, 'x'.repeat(3_000)], ['a', 2, 3]);
    const values = assembly.complete().flatMap(({ message }) => message.values.a?.map(([, ...rest]) => rest));
    assert.deepEqual(values, [[1], [null, 'bad', 'BadEncodingLimitsExceeded'], [3]]);
  });

  it('completes when the source completes', () => {
    const assembly = new Assembly();
    assembly.complete();
    assert.ok(assembly.isComplete);
    assert.deepEqual(assembly.drafts, []);
  });

  const reading = fc.record({
    name: fc.constantFrom('a', 'b', 'door'),
    stepMs: fc.integer({ min: -50, max: 100_000 }),
    value: anyValue,
  });
  const batches = fc.array(fc.array(reading, { minLength: 1, maxLength: 30 }), { maxLength: 10 });

  it('loses nothing, never goes over the limit, and keeps each point in order within a message', () => {
    fc.assert(
      fc.property(batches, fc.integer({ min: 900, max: 3_000 }), (sent, maxBytes) => {
        const assembly = new Assembly({ message: { maxBytes } });
        let timeMs = 1_767_225_600_000;
        for (const batch of sent) {
          assembly.send(
            ...batch.map(({ name, stepMs, value: sentValue }): ReadingSketch => {
              timeMs += stepMs;
              return [name, timeMs, sentValue];
            }),
          );
          assembly.scheduler.advance(1_000);
        }
        const drafts = assembly.complete();
        const count = drafts.reduce((sum, { message }) => sum + countReadings(message), 0);
        assert.equal(count, sent.flat().length);
        for (const draft of drafts) {
          assert.ok(sizeOf(draft) <= maxBytes, `${sizeOf(draft)} bytes of ${maxBytes}`);
          for (const values of Object.values(draft.message.values)) {
            const offsets = values.map(([offsetMs]) => offsetMs);
            assert.ok(offsets.every((offset) => offset >= 0));
            assert.deepEqual(
              offsets,
              offsets.toSorted((a, b) => a - b),
            );
          }
        }
      }),
    );
  });

  const names = Array.from({ length: 500 }, (_, index) => `p${index}`);
  const costly: readonly [what: string, sketches: readonly ReadingSketch[]][] = [
    ['uncertain readings', Array.from({ length: 2_000 }, (_, timeMs) => ['p0', timeMs, 1, 'uncertain', 'UncertainSubNormal'])],
    ['64-bit integers', Array.from({ length: 2_000 }, (_, timeMs) => ['p0', timeMs, 2n ** 63n])],
    ['one reading of each of many points', names.map((name) => [name, 0, 1])],
  ];
  for (const [what, sketches] of costly) {
    it(`stays within the limit with ${what}`, () => {
      const assembly = new Assembly({
        points: Object.fromEntries(names.map((name) => [name, {}])),
        message: { maxBytes: 6_000 },
      });
      assembly.send(...sketches);
      for (const draft of assembly.complete()) assert.ok(sizeOf(draft) <= 6_000, `${sizeOf(draft)} bytes`);
    });
  }

  it('fills messages well', () => {
    const assembly = new Assembly();
    for (let index = 0; index < 2_000; index += 1) assembly.send(['a', index * 100, index / 10]);
    const sizes = assembly.drafts.map(sizeOf);
    assert.ok(sizes.length > 5);
    for (const size of sizes) assert.ok(size > 3_000, `only ${size} bytes`);
  });
});
