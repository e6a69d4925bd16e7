import assert from 'node:assert/strict';
import fc from 'fast-check';
import { GatewayError } from '../../src/model/error.ts';
import { compileExpression } from '../../src/model/expression.ts';
import { describeValue, type Value } from '../../src/model/value.ts';

const compute = (text: string, values: Record<string, Value> = {}): Value =>
  compileExpression(text, Object.keys(values)).evaluate(values);

describe('an expression', () => {
  const table: readonly [text: string, values: Record<string, Value>, expected: Value][] = [
    ['oilTemperature * 2 + 1', { oilTemperature: 71.5 }, 144],
    ['oilTemperature * 2 + 1', { oilTemperature: 71 }, 143],
    ['oilTemperature * 2 + 1', { oilTemperature: 71n }, 143],
    ['(a + 1.5) * (2 + b) / 3 - 1', { a: 1n, b: 4 }, 4],
    ['a - (b - 1)', { a: 10, b: 4 }, 7],
    ['7 / 2', {}, 3.5],
    ['total / 1000', { total: 2_500n }, 2.5],
    ['a / 0', { a: 1n }, Number.POSITIVE_INFINITY],
    ['a % 2', { a: 7.5 }, 1.5],
    ['-a', { a: 5 }, -5],
    ['emergencyStop == false', { emergencyStop: false }, true],
    ['!emergencyStop && speed > 3', { emergencyStop: false, speed: 3.5 }, true],
    ['speed >= 1.5', { speed: 1n }, false],
    ['speed == 1', { speed: 1 }, true],
    ['speed == 1.0', { speed: 1n }, true],
    ['speed != 2', { speed: 1 }, true],
    ['state == "running"', { state: 'running' }, true],
    ['state in ["running", "idle"]', { state: 'off' }, false],
    ['mode in [1, 2]', { mode: 2 }, true],
    ['hot ? 1 : 2.5', { hot: true }, 1],
    ['a > 1 ? (hot ? a : 0) : -1', { a: 2.5, hot: true }, 2.5],
    ['min(a, 2) + max(a, 2)', { a: 3 }, 5],
    ['sqrt(a) + abs(-2) + pow(2, 3) + round(1.6)', { a: 9n }, 15],
    ['int(a / 2)', { a: 7 }, 3],
    ['"line " + string(a)', { a: 1.5 }, 'line 1.5'],
    ['name.startsWith("P")', { name: 'P7' }, true],
    ['0.000000000001 * 2', {}, 2e-12],
    ['a[1] * 2', { a: [1, 2.5, null] }, 5],
    ['a[1][0] + motor.speed', { a: [0, [3]], motor: { speed: 4n } }, 7],
    ['motor["speed"] > 3 && size(a) == 3', { a: [1, 2, 3], motor: { speed: 4 } }, true],
    ['counter + 1', { counter: 9_007_199_254_740_993n }, 9_007_199_254_740_994n],
  ];
  for (const [text, values, expected] of table) {
    it(`computes ${text}`, () => assert.strictEqual(compute(text, values), expected));
  }

  it('tells which names it uses', () => {
    assert.deepEqual(compileExpression('b + a + b', ['a', 'b', 'c']).names, ['b', 'a']);
  });

  const refused: readonly [text: string, message: RegExp][] = [
    ['speed +', /column 8/],
    ['1 + sped', /`sped`; did you mean `speed`\?.*column 5/],
    ['1 + x', /known are speed, state/],
    ['speed.?value', /column 7/],
    ['{"a": speed}.a', /column 1/],
    ['speed.spede[stat]', /`stat`; did you mean `state`/],
    ['[1, 2].map(x, x)', /unknown function `map`/],
    ['state.matches("(a+)+$")', /unknown function `matches`.*column 1/],
    ['process.exit(1)', /unknown name `process`/],
    ['"a" + 1', /string \+ int.*column 1/],
    ['constructor', /unknown name/],
    ['', /column 1/],
    ['speed = 1', /column 7/],
    [`${'('.repeat(200)}1${')'.repeat(200)}`, /depth/i],
    [Array(300).fill('1').join('+'), /exceeded|maxAstNodes|nodes/i],
    ['1'.repeat(2_000), /1000 characters/],
  ];
  for (const [text, message] of refused) {
    it(`is refused with the column: ${text.slice(0, 30)}`, () => {
      assert.throws(
        () => compileExpression(text, ['speed', 'state']),
        (error) => error instanceof GatewayError && error.code === 'CONFIG_INVALID' && message.test(error.message),
      );
    });
  }

  const failing: readonly [text: string, values: Record<string, Value>][] = [
    ['a + b', { a: 1, b: 'x' }],
    ['a == 1', { a: true }],
    ['a != 1', { a: true }],
    ['1 == a', { a: true }],
    ['a && true', { a: 1 }],
    ['a + 1', { a: 2n ** 63n }],
    ['[a]', { a: 1 }],
    ['min(a, 1)', { a: 'x' }],
    ['a', { a: [1] }],
    ['a[1]', { a: [1] }],
    ['a[0]', { a: [null] }],
    ['a[0]', { a: 5 }],
    ['a.speed', { a: 5 }],
    ['a.speed', { a: { spede: 5 } }],
    ['a.constructor', { a: {} }],
    ['a.__proto__', { a: {} }],
    ['a.length', { a: [] }],
    ['a + 1', { a: [1] }],
  ];
  for (const [text, values] of failing) {
    it(`cannot compute ${text} with ${Object.values(values).map(describeValue)}`, () => {
      assert.throws(
        () => compute(text, values),
        (error) => error instanceof GatewayError && error.code === 'VALUE_TYPE',
      );
    });
  }

  it('cannot compute while a value is missing', () => {
    assert.throws(() => compileExpression('a', ['a']).evaluate({}), GatewayError);
  });

  it('answers any text with a result or a configuration error', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab12.+-*/()[]{}<>=!?:"\', in\\'), maxLength: 30 }), (text) => {
        try {
          compileExpression(text, ['a', 'b']);
        } catch (error) {
          assert.ok(error instanceof GatewayError && error.code === 'CONFIG_INVALID');
        }
      }),
    );
  });

  it('computes sums and products as plain arithmetic does', () => {
    const number = fc.double({ noNaN: true, min: -1e6, max: 1e6 });
    fc.assert(
      fc.property(number, number, fc.integer({ min: 1, max: 1000 }), (a, b, c) => {
        assert.strictEqual(compute(`(a - b) * ${c} + a / ${c}`, { a, b }), (a - b) * c + a / c);
      }),
    );
  });
});
