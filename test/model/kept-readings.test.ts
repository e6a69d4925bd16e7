import assert from 'node:assert/strict';
import { KeptReadings } from '../../src/model/kept-readings.ts';
import { badReading, type Reading } from '../../src/model/reading.ts';
import type { Value } from '../../src/model/value.ts';
import { deviceOf, readingOf } from '../support/device.ts';

const device = deviceOf({ points: { a: {}, b: {} } });
const [{ point: a }, { point: b }] = [readingOf(device, ['a', 0, 0]), readingOf(device, ['b', 0, 0])];

function good(value: Value, sourceTimeMs: number, point = a): Reading {
  return { point, value, quality: 'good', sourceTimeMs };
}

describe('kept readings', () => {
  it('are what came last of each point, whatever its value and its quality', () => {
    const uncertain: Reading = { point: a, value: 5, quality: 'uncertain', status: 'UncertainSubNormal', sourceTimeMs: 3 };
    for (const reading of [good(-0.5, 1), good('text', 2), uncertain, badReading(a, 'BadTimeout', 4), good(NaN, 5), good(7, 6)]) {
      const kept = new KeptReadings();
      for (const before of [good(1, 0), good(true, 0)]) {
        kept.set(0, before);
        kept.set(0, reading);
        assert.deepEqual(kept.get(0, a), reading);
        assert.equal(kept.timeMs(0), reading.sourceTimeMs);
      }
    }
  });

  it('do not mix up points, and know nothing of one that told nothing', () => {
    const kept = new KeptReadings();
    kept.set(5, good(5, 50, b));
    assert.equal(kept.get(0, a), undefined);
    kept.set(0, good('zero', 40));
    assert.deepEqual([kept.get(0, a), kept.get(5, b), kept.get(6, b)], [good('zero', 40), good(5, 50, b), undefined]);
  });

  it('forget what is deleted', () => {
    const kept = new KeptReadings();
    kept.set(0, good(1, 1));
    kept.set(1, good('one', 1, b));
    kept.delete(0);
    kept.delete(1);
    kept.delete(9);
    assert.deepEqual([kept.get(0, a), kept.get(1, b), kept.get(9, a)], [undefined, undefined, undefined]);
  });
});
