import assert from 'node:assert/strict';
import { PointNumbers } from '../../../connectors/opcua/nodes/point-numbers.ts';
import { LastReadings } from '../../../connectors/opcua/watching/last-readings.ts';
import { badReading, type Reading } from '../../../src/model/reading.ts';
import { planPoint } from './support.ts';

const STATUS = 'UncertainNoCommunicationLastUsableValue';
const { point } = planPoint('press', 'Speed', {});

function good(value: number, sourceTimeMs: number): Reading {
  return { point, value, quality: 'good', sourceTimeMs };
}

describe('OPC UA last readings', () => {
  let last: LastReadings;
  beforeEach(() => {
    last = new LastReadings(new PointNumbers());
    last.take([good(1, 1_000)], 1_100);
  });

  it('doubt the last value, from the time on when it was noticed', () => {
    assert.deepEqual(last.doubt([point], STATUS, 5_000), [
      { point, value: 1, quality: 'uncertain', status: STATUS, sourceTimeMs: 5_000 },
    ]);
    assert.equal(last.isDoubted(point), true);
  });

  it('do not doubt what was never read or is bad anyway', () => {
    assert.deepEqual(new LastReadings(new PointNumbers()).doubt([point], STATUS, 5_000), []);
    last.take([badReading(point, 'BadSensorFailure', 2_000)], 2_000);
    assert.deepEqual(last.doubt([point], STATUS, 5_000), []);
  });

  it('trust a value that is seen again from then on, not from its old time on', () => {
    last.doubt([point], STATUS, 5_000);
    assert.deepEqual(last.take([good(1, 1_000)], 7_000), [good(1, 7_000)]);
    assert.equal(last.isDoubted(point), false);
  });

  it('leave a newer sample its own time', () => {
    last.doubt([point], STATUS, 5_000);
    assert.deepEqual(last.take([good(2, 4_900), good(3, 6_000)], 7_000), [good(2, 4_900), good(3, 6_000)]);
    assert.equal(last.isDoubted(point), false);
  });

  it('keep the doubt over a newer sample from before it, until that one is seen again', () => {
    last.doubt([point], STATUS, 5_000);
    last.take([good(2, 4_900)], 7_000);
    assert.equal(last.isDoubted(point), true);
    assert.deepEqual(last.take([good(2, 4_900)], 8_000), [good(2, 8_000)]);
    assert.equal(last.isDoubted(point), false);
  });

  it('know what was before the first of two doubts', () => {
    last.doubt([point], STATUS, 5_000);
    last.doubt([point], STATUS, 6_000);
    assert.deepEqual(last.take([good(1, 1_000)], 7_000), [good(1, 7_000)]);
  });

  it('never go back behind a device whose clock is ahead', () => {
    last.take([good(2, 60_000)], 2_000);
    assert.equal(last.doubt([point], STATUS, 5_000)[0]?.sourceTimeMs, 60_000);
    assert.equal(last.take([good(2, 60_000)], 6_000)[0]?.sourceTimeMs, 60_000);
  });

  it('give out once what was read before the server sent it', () => {
    last.doubt([point], STATUS, 5_000);
    assert.deepEqual(last.takeAhead([good(3, 6_000)], 7_000), [good(3, 6_000)]);
    assert.deepEqual(last.take([good(2, 5_900), good(3, 6_000), good(3, 6_500)], 7_000), [good(2, 5_900), good(3, 6_500)]);
  });

  it('doubt again what was told with the time at which it was seen, not with that of its sample', () => {
    last.doubt([point], STATUS, 5_000);
    last.take([good(1, 1_000)], 7_000);
    assert.equal(last.doubt([point], STATUS, 6_000)[0]?.sourceTimeMs, 7_000);
    last.take([good(2, 8_000)], 8_000);
    last.take([good(3, 8_500)], 8_500);
    assert.equal(last.doubt([point], STATUS, 6_000)[0]?.sourceTimeMs, 8_500);
  });

  it('keep apart a point that takes the place of one that is forgotten', () => {
    const other = planPoint('press', 'Torque', {}).point;
    const lasting = planPoint('press', 'Pressure', {}).point;
    last.take([{ ...good(4, 1_000), point: lasting }], 1_100);
    last.doubt([point], STATUS, 5_000);
    last.takeAhead([good(9, 1_500)], 5_000);
    last.doubt([point], STATUS, 5_000);
    last.forget([point]);
    assert.deepEqual([last.sample(point), last.isDoubted(point)], [undefined, false]);
    assert.deepEqual(last.doubt([point, other], STATUS, 5_000), []);
    const first = { ...good(9, 1_500), point: other };
    assert.deepEqual(last.take([first], 6_000), [first]);
    assert.equal(last.isDoubted(other), false);
    assert.deepEqual(last.take([good(1, 6_000)], 6_000), [good(1, 6_000)]);
    assert.deepEqual(
      [point, other, lasting].map((each) => last.sample(each)?.value),
      [1, 9, 4],
    );
  });
});
