import assert from 'node:assert/strict';
import fc from 'fast-check';
import { expression } from '../../../src/pipeline/operators/expression.ts';
import { OperatorRun } from '../../support/operator-run.ts';

const POINTS = { a: {}, b: {}, sum: { expression: 'a + b' } };

describe('a derived point', () => {
  it('is computed when its inputs have arrived, on the last known values', () => {
    const run = new OperatorRun(expression, POINTS);
    assert.deepEqual(run.send(['a', 1, 1]), [['a', 1, 1]]);
    assert.deepEqual(run.send(['b', 2, 10]), [
      ['b', 2, 10],
      ['sum', 2, 11],
    ]);
    assert.deepEqual(run.send(['a', 3, 2]), [
      ['a', 3, 2],
      ['sum', 3, 12],
    ]);
  });

  it('is computed once for a batch that brings all its inputs', () => {
    const run = new OperatorRun(expression, POINTS);
    assert.deepEqual(run.send(['a', 5, 1], ['b', 4, 2]), [
      ['a', 5, 1],
      ['b', 4, 2],
      ['sum', 5, 3],
    ]);
  });

  it('is computed for each reading when a batch holds several of one input', () => {
    const run = new OperatorRun(expression, POINTS);
    run.send(['a', 0, 0], ['b', 0, 0]);
    const sums = run.send(['a', 1, 1], ['a', 2, 2], ['a', 3, 3]).filter(([name]) => name === 'sum');
    assert.deepEqual(sums, [
      ['sum', 1, 1],
      ['sum', 2, 2],
      ['sum', 3, 3],
    ]);
  });

  it('is not computed when only others arrive', () => {
    const run = new OperatorRun(expression, { ...POINTS, c: {} });
    run.send(['a', 0, 0], ['b', 0, 0]);
    assert.deepEqual(run.send(['c', 1, 1]), [['c', 1, 1]]);
  });

  it('has the worst quality of its inputs', () => {
    const run = new OperatorRun(expression, POINTS);
    run.send(['a', 0, 1], ['b', 0, 2]);
    const uncertain = run.send(['a', 1, 1, 'uncertain', 'UncertainEngineeringUnitsExceeded']);
    assert.deepEqual(uncertain[1], ['sum', 1, 3, 'uncertain', 'UncertainEngineeringUnitsExceeded']);
    assert.deepEqual(run.send(['b', 2, null, 'bad', 'BadTimeout'])[1], ['sum', 2, null, 'bad', 'BadTimeout']);
    assert.deepEqual(run.send(['a', 3, 1])[1], ['sum', 3, null, 'bad', 'BadTimeout']);
  });

  it('is bad when its inputs cannot be computed with', () => {
    const run = new OperatorRun(expression, POINTS);
    assert.deepEqual(run.send(['a', 0, 1], ['b', 0, 'x'])[2], ['sum', 0, null, 'bad', 'BadTypeMismatch']);
  });

  it('may use derived points above it, and has a range of its own', () => {
    const run = new OperatorRun(expression, { ...POINTS, twice: { expression: 'sum * 2', range: { max: 10 } } });
    assert.deepEqual(run.send(['a', 0, 1], ['b', 0, 2]).slice(2), [
      ['sum', 0, 3],
      ['twice', 0, 6],
    ]);
    assert.deepEqual(run.send(['a', 1, 9]).slice(2), [['twice', 1, 22, 'uncertain', 'UncertainEngineeringUnitsExceeded']]);
  });

  it('comes to rest when two derived points use each other', () => {
    const run = new OperatorRun(expression, { a: {}, x: { expression: 'a + y' }, y: { expression: 'a + x' } });
    assert.deepEqual(run.send(['a', 0, 1]), [['a', 0, 1]]);
  });

  const wrong: readonly [keys: Record<string, unknown>, message: RegExp][] = [
    [{ expression: 'a + tempreature' }, /did you mean `temperature`/],
    [{ expression: 'own + 1' }, /unknown name `own`/],
    [{ expression: '1 + 1' }, /never be computed/],
    [{ expression: 'a +' }, /column/],
    [{ expression: 'a + 1', scale: 2 }, /into the expression/],
  ];
  for (const [keys, message] of wrong) {
    it(`refuses ${JSON.stringify(keys)}`, () => {
      const [remark] = expression.check?.(keys, ['a', 'temperature', 'own'], 'own') ?? [];
      assert.equal(remark?.severity, 'error');
      assert.match(remark?.message ?? '', message);
    });
  }

  it('equals the sum of the last values at any time', () => {
    const event = fc.record({ name: fc.constantFrom('a', 'b'), value: fc.integer() });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const run = new OperatorRun(expression, POINTS);
        const last: Record<string, number> = {};
        for (const [time, { name, value }] of events.entries()) {
          last[name] = value;
          const [, sum] = run.send([name, time, value]);
          if (last.a !== undefined && last.b !== undefined) assert.deepEqual(sum, ['sum', time, last.a + last.b]);
          else assert.equal(sum, undefined);
        }
      }),
    );
  });
});
