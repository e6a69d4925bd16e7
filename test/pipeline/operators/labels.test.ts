import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { DataType } from '../../../src/model/data-type.ts';
import { GatewayError } from '../../../src/model/error.ts';
import type { Value } from '../../../src/model/value.ts';
import { labels } from '../../../src/pipeline/operators/labels.ts';
import { deviceOf, type PointSketch } from '../../support/device.ts';
import { OperatorRun } from '../../support/operator-run.ts';

const STATES = { '0': 'stopped', '1': 'running', '-1': 'fault' };
const DOOR = { true: 'open', false: 'shut' };

const labelled = (keys: PointSketch, value: Value | null) =>
  new OperatorRun(labels, { a: keys }).send(['a', 0, value])[0]?.slice(2);

describe('labels', () => {
  const table: readonly [words: Record<string, string>, raw: Value, got: readonly unknown[]][] = [
    [STATES, 0, ['stopped']],
    [STATES, 1, ['running']],
    [STATES, -1, ['fault']],
    [STATES, 1n, ['running']],
    [STATES, true, ['running']],
    [DOOR, true, ['open']],
    [DOOR, false, ['shut']],
    [STATES, 7, ['7', 'uncertain', 'UncertainEngineeringUnitsExceeded']],
    [STATES, 0.5, ['0.5', 'uncertain', 'UncertainEngineeringUnitsExceeded']],
    [STATES, 'idle', [null, 'bad', 'BadTypeMismatch']],
    [STATES, [0, [1, null]], [['stopped', ['running', null]]]],
    [STATES, [0, 7], [['stopped', '7'], 'uncertain', 'UncertainEngineeringUnitsExceeded']],
    [STATES, [0, 'idle'], [null, 'bad', 'BadTypeMismatch']],
    [STATES, { state: 0 }, [null, 'bad', 'BadTypeMismatch']],
  ];
  for (const [words, raw, got] of table) {
    it(`makes ${got.join(' ')} of ${raw}`, () => assert.deepEqual(labelled({ labels: words }, raw), got));
  }

  const writes: readonly [type: DataType | undefined, words: Record<string, string>, value: Value, device: Value][] = [
    ['uint16', STATES, 'running', 1],
    ['uint64', STATES, 'running', 1n],
    ['boolean', { '0': 'stopped', '1': 'running' }, 'running', true],
    ['boolean', DOOR, 'shut', false],
    [undefined, STATES, 'fault', -1],
    ['uint16', STATES, 1, 1],
    ['uint64', STATES, ['running', 'stopped'], [1n, 0n]],
  ];
  for (const [type, words, value, device] of writes) {
    it(`writes ${device} to a point of type ${type} for ${value}`, () => {
      const [plan] = deviceOf({ points: { a: { labels: words, ...(type === undefined ? {} : { type }) } } }).points;
      assert.ok(plan);
      assert.deepEqual(labels.invert?.(plan, value), device);
    });
  }

  it('refuses to write a word that is no label, and names the labels', () => {
    const [plan] = deviceOf({ points: { a: { labels: STATES } } }).points;
    assert.ok(plan);
    assert.throws(
      () => labels.invert?.(plan, 'flying'),
      (error) => error instanceof GatewayError && error.code === 'VALUE_OUT_OF_RANGE' && /stopped, running/.test(error.message),
    );
  });

  it('refuses keys that are no numbers, and one label twice', () => {
    assert.ok(!labels.keys.safeParse({ labels: { one: 'x' } }).success);
    assert.ok(!labels.keys.safeParse({ labels: { 1: 'x', 2: 'x' } }).success);
  });

  it('does not stand beside a scale', () => {
    assert.equal(labels.check?.({ labels: STATES, scale: 2 }, [])[0]?.key, 'labels');
    assert.deepEqual(labels.check?.({ labels: STATES }, []), []);
  });

  it('writes back every label it reads', () => {
    const words = fc.uniqueArray(fc.integer({ min: -100, max: 100 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(words, (numbers) => {
        const map = Object.fromEntries(numbers.map((number) => [String(number), `state ${number}`]));
        const [plan] = deviceOf({ points: { a: { labels: map, type: 'int16' } } }).points;
        assert.ok(plan);
        for (const number of numbers) {
          const [word] = labelled({ labels: map }, number) ?? [];
          assert.strictEqual(labels.invert?.(plan, String(word)), number);
        }
      }),
    );
  });
});
