import assert from 'node:assert/strict';
import { operators } from '../../../src/pipeline/operators/index.ts';
import { operatorContract } from '../../contract/operator.ts';
import type { DeviceSketch } from '../../support/device.ts';

const FUNCTIONS = ['mean', 'min', 'max', 'first', 'last', 'count', 'sum', 'standardDeviation', 'timeWeightedMean'];

const POINTS: Readonly<Record<string, DeviceSketch['points']>> = {
  scale: { a: { scale: 0.1, offset: -40 }, b: { offset: 1 } },
  range: { a: { range: { min: -40, max: 150 } }, b: { range: { max: 0 } } },
  labels: { a: { labels: { '0': 'off', '1': 'on' } }, b: { labels: { true: 'open', false: 'shut' } } },
  expression: { a: {}, b: {}, sum: { expression: 'a + b' }, twice: { expression: 'sum * 2', range: { max: 10 } } },
  throttle: { a: { throttle: '1 s' }, b: { throttle: '2 s' } },
  aggregate: {
    a: { aggregate: { every: '1 s', functions: FUNCTIONS } },
    b: { aggregate: { every: '2 s', functions: ['mean'] } },
  },
  send: { a: { send: { deadband: 1, atLeastEvery: '2 s' } }, b: { send: { atLeastEvery: '3 s' } }, c: { as: 'property' } },
};

describe('the list of operators', () => {
  it('has a device for each in this test', () => {
    assert.deepEqual(
      operators.map(({ name }) => name),
      Object.keys(POINTS),
    );
  });

  it('has no key twice', () => {
    const keys = operators.flatMap((operator) => Object.keys(operator.keys.shape));
    assert.equal(new Set(keys).size, keys.length);
  });
});

for (const operator of operators) operatorContract(operator, POINTS[operator.name] ?? {});
