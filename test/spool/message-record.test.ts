import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { countReadings, type TimedValue, type TwinMessage } from '../../src/model/twin-message.ts';
import type { Value } from '../../src/model/value.ts';
import type { Frame } from '../../src/spool/frame.ts';
import { decodeMessage, encodeMessage } from '../../src/spool/message-record.ts';
import { anyValue } from '../support/any-value.ts';

const messageOf = (value: Value): TwinMessage => ({
  twin: 'press-07',
  kind: 'telemetry',
  startTimeMs: 0,
  values: { a: [[0, value]] },
});

const frameOf = (body: Buffer): Frame => ({ kind: 'message', offset: 0, index: 0, epoch: '0', head: Buffer.alloc(0), body });

const keep = (value: Value): unknown => decodeMessage(frameOf(encodeMessage(messageOf(value)).body))?.values.a?.[0]?.[1];

/** What JSON cannot carry never reaches the spool. */
const sendable = anyValue.map((value) => JSON.parse(JSON.stringify(value, toText), toValue) as Value);

describe('a message record', () => {
  const table: readonly Value[] = [
    5n,
    [1, 2n, null, [true, 'x']],
    { speed: 900, total: 9_007_199_254_740_993n, nested: { $bigint: '5', list: [{ $$bigint: 'x' }] } },
    JSON.parse('{"__proto__":[1]}'),
    '{"$bigint":"5"}',
    [{ $bigint: 5n }],
  ];
  for (const value of table) it(`keeps ${String(value)} as it is`, () => assert.deepEqual(keep(value), value));

  it('costs little memory for each of many twins that seldom tell something', () => {
    const beforeBytes = retained();
    for (let count = 0; count < 300; count += 1) {
      decodeMessage(frameOf(encodeMessage({ ...messageOf(count), twin: `meter-${count}` }).body));
      // What is written for other twins until the next one.
      for (let other = 0; other < 10; other += 1) Buffer.allocUnsafe(20_000);
    }
    const bytes = retained() - beforeBytes;
    assert.ok(bytes < 2_000_000, `${bytes} bytes`);
  });

  it('keeps any value that JSON can carry, and its long integers', () => {
    fc.assert(
      fc.property(sendable, (value) => assert.deepEqual(keep(value), value)),
      { numRuns: 500 },
    );
  });

  it('keeps every number to the last bit, and small ones short', () => {
    const decimal = fc.tuple(fc.integer({ min: -2_000_000, max: 2_000_000 }), fc.constantFrom(1, 10, 100, 1_000, 10_000));
    const number = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.float({ noNaN: true, noDefaultInfinity: true }),
      fc.maxSafeInteger(),
      decimal.map(([whole, parts]) => whole / parts),
      fc.constantFrom(0, -0, 2 ** 31, -(2 ** 31), 2 ** 31 - 1, -(2 ** 31) - 1, 0.1, 71.4, 1e-7, Number.MAX_VALUE),
    );
    fc.assert(
      fc.property(number, (value) => assert.ok(Object.is(keep(value), value))),
      { numRuns: 3_000 },
    );
    const bytes = (value: Value) => encodeMessage(messageOf(value)).body.length - encodeMessage(messageOf(0)).body.length;
    assert.deepEqual([0, 71.4, -3.25, 900].map(bytes), [0, 1, 1, 1]);
  });

  it('keeps times, qualities, the order of points and everything beside the values, and counts on the way', () => {
    const timed = fc.tuple(
      fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })).map((time) => time + 0),
      sendable,
      fc.option(fc.tuple(fc.constantFrom('good', 'uncertain', 'bad'), fc.string()), { nil: undefined }),
    );
    const list = fc.array(timed.map(([time, value, more]) => [time, value, ...(more ?? [])] as unknown as TimedValue));
    const values = fc.dictionary(fc.stringMatching(/^[A-Za-z]\w{0,9}$/), list, { noNullPrototype: true });
    fc.assert(
      fc.property(values, fc.maxSafeInteger(), (given, startTimeMs) => {
        const message: TwinMessage = { twin: 'press-07', kind: 'telemetry', startTimeMs, values: given, isHistory: true };
        const { body, facts } = encodeMessage(message);
        assert.deepEqual(decodeMessage(frameOf(body)), message);
        assert.equal(facts.readings, countReadings(message));
      }),
      { numRuns: 500 },
    );
  });

  it('reads what versions before wrote in JSON', () => {
    const body =
      '{"twin":"press-07","kind":"telemetry","startTimeMs":5,"values":{"a":[[0,{"$bigint":"7"}],[10,null,"bad","BadTimeout"]]}}';
    assert.deepEqual(decodeMessage(frameOf(Buffer.from(body))), {
      twin: 'press-07',
      kind: 'telemetry',
      startTimeMs: 5,
      values: {
        a: [
          [0, 7n],
          [10, null, 'bad', 'BadTimeout'],
        ],
      },
    });
  });

  it('takes bytes that are no message for damage, wherever they were cut or changed', () => {
    const { body } = encodeMessage({ ...messageOf(71.4), values: { a: [[0, 71.4]], b: [[5, 'x', 'bad', 'BadTimeout']] } });
    for (let end = 0; end < body.length; end += 1) assert.equal(decodeMessage(frameOf(body.subarray(0, end))), undefined);
    assert.equal(decodeMessage(frameOf(Buffer.concat([body, Buffer.of(0)]))), undefined);
    for (let at = 0; at < body.length; at += 1) {
      const changed = Buffer.from(body);
      changed[at] = 0xff;
      assert.doesNotThrow(() => decodeMessage(frameOf(changed)));
    }
  });
});

function toText(_key: string, part: unknown): unknown {
  return typeof part === 'bigint' ? `bigint ${part}` : part;
}

function toValue(_key: string, part: unknown): unknown {
  const digits = typeof part === 'string' ? /^bigint (-?\d+)$/.exec(part)?.[1] : undefined;
  return digits === undefined ? part : BigInt(digits);
}

function retained(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  collect();
  collect();
  return process.memoryUsage().arrayBuffers;
}
