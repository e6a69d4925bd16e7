import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { TwinMessage } from '../../src/model/twin-message.ts';
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

const keep = (value: Value): unknown => {
  const frame: Frame = {
    kind: 'message',
    offset: 0,
    index: 0,
    epoch: '0',
    head: Buffer.alloc(0),
    body: encodeMessage(messageOf(value)),
  };
  return decodeMessage(frame)?.values.a?.[0]?.[1];
};

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

  it('keeps any value that JSON can carry, and its long integers', () => {
    // What JSON cannot carry never reaches the spool; minus zero becomes zero.
    const sendable = anyValue.map((value) => JSON.parse(JSON.stringify(value, toText), toValue) as Value);
    fc.assert(
      fc.property(sendable, (value) => assert.deepEqual(keep(value), value)),
      { numRuns: 500 },
    );
  });
});

function toText(_key: string, part: unknown): unknown {
  return typeof part === 'bigint' ? `bigint ${part}` : part;
}

function toValue(_key: string, part: unknown): unknown {
  const digits = typeof part === 'string' ? /^bigint (-?\d+)$/.exec(part)?.[1] : undefined;
  return digits === undefined ? part : BigInt(digits);
}
