import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Subject } from 'rxjs';
import type { Quality } from '../../src/model/quality.ts';
import { badReading, type Reading } from '../../src/model/reading.ts';
import type { Value } from '../../src/model/value.ts';
import type { OperatorDefinition } from '../../src/pipeline/operator.ts';
import { anyValue as anyDeviceValue } from '../support/any-value.ts';
import { type DeviceSketch, deviceOf } from '../support/device.ts';
import { HandScheduler } from '../support/hand-scheduler.ts';

const anyValue: fc.Arbitrary<Value | null> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 5, arbitrary: anyDeviceValue },
);
const anyQuality = fc.constantFrom<Quality>('good', 'uncertain', 'bad');

interface Event {
  readonly sent: readonly { point: number; value: Value | null; quality: Quality }[];
  readonly stepMs: number;
}
const anyEvent: fc.Arbitrary<Event> = fc.record({
  sent: fc.array(fc.record({ point: fc.nat(5), value: anyValue, quality: anyQuality }), { maxLength: 4 }),
  stepMs: fc.nat(3_000),
});

/** What every operator promises. `points`: a device on which the operator has work to do. */
export function operatorContract(operator: OperatorDefinition, points: DeviceSketch['points']): void {
  describe(`the operator ${operator.name}`, () => {
    const run = (events: readonly Event[]) => {
      const scheduler = new HandScheduler(1_000_000);
      const device = deviceOf({ points });
      const source = new Subject<readonly Reading[]>();
      const batches: (readonly Reading[])[] = [];
      let isComplete = false;
      source.pipe(operator.create(device, scheduler)).subscribe({
        next: (batch) => batches.push(batch),
        complete: () => {
          isComplete = true;
        },
      });
      const read = device.points.filter(({ point }) => point.address !== undefined);
      for (const { sent, stepMs } of events) {
        const sourceTimeMs = scheduler.now();
        const readings = sent.flatMap(({ point: index, value, quality }): Reading[] => {
          const point = read[index % read.length]?.point;
          if (point === undefined) return [];
          if (value === null) return [badReading(point, 'BadNoCommunication', sourceTimeMs)];
          return [{ point, value, quality, sourceTimeMs, ...(quality === 'good' ? {} : { status: `${quality}Status` }) }];
        });
        if (readings.length > 0) source.next(readings);
        scheduler.advance(stepMs);
      }
      source.complete();
      return { batches, isComplete, timersLeft: scheduler.waiting };
    };
    const holds = (promise: (outcome: ReturnType<typeof run>) => void) =>
      fc.assert(fc.property(fc.array(anyEvent, { maxLength: 20 }), (events) => promise(run(events))));

    it('takes any value of any quality, and completes when the source does', () => {
      holds(({ isComplete }) => assert.ok(isComplete));
    });

    it('never passes an empty batch on', () => {
      holds(({ batches }) => assert.ok(batches.every((batch) => batch.length > 0)));
    });

    it('keeps the readings of a point in order of time', () => {
      holds(({ batches }) => {
        const last = new Map<string, number>();
        for (const { point, sourceTimeMs } of batches.flat()) {
          assert.ok(sourceTimeMs >= (last.get(point.id) ?? 0), `${point.id} goes back in time`);
          last.set(point.id, sourceTimeMs);
        }
      });
    });

    it('gives a reading without a value a reason', () => {
      holds(({ batches }) => {
        for (const { value, quality, status } of batches.flat()) {
          if (quality !== 'good') assert.ok(status !== undefined && status !== '');
          if (value === null && quality === 'good') assert.fail('a good reading without a value');
        }
      });
    });

    it('leaves no timer behind when the source completes', () => {
      holds(({ timersLeft }) => assert.equal(timersLeft, 0));
    });

    it('leaves points alone that do not ask for it', () => {
      const scheduler = new HandScheduler();
      const device = deviceOf({ points: { ...points, other: {} } });
      const source = new Subject<readonly Reading[]>();
      const out: Reading[] = [];
      source.pipe(operator.create(device, scheduler)).subscribe((batch) => out.push(...batch));
      const point = device.points.at(-1)?.point;
      assert.ok(point);
      const sent: Reading[] = [1, 1, 2].map((value, index) => ({ point, value, quality: 'good', sourceTimeMs: index }));
      source.next(sent);
      assert.deepEqual(out, sent);
    });

    it('says in its keys what they are for', () => {
      for (const [key, schema] of Object.entries(operator.keys.shape)) {
        const meta = (schema as { meta(): { description?: string; examples?: readonly unknown[] } | undefined }).meta();
        assert.ok((meta?.description?.length ?? 0) > 20, `${key} has no description`);
        assert.ok((meta?.examples?.length ?? 0) > 0, `${key} has no example`);
      }
      assert.deepEqual(operator.keys.parse({}), {});
    });

    it('has keys whose examples are right', () => {
      for (const [key, schema] of Object.entries(operator.keys.shape)) {
        const { examples = [] } = (schema as { meta(): { examples?: readonly unknown[] } | undefined }).meta() ?? {};
        for (const example of examples)
          assert.ok(operator.keys.safeParse({ [key]: example }).success, `${key}: ${JSON.stringify(example)}`);
      }
    });
  });
}
