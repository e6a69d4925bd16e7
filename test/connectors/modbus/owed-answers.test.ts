import assert from 'node:assert/strict';
import type { ReadFunction, Request } from '../../../connectors/modbus/protocol/request.ts';
import { OwedAnswers } from '../../../connectors/modbus/wire/owed-answers.ts';

const read = (address: number, count: number, code: ReadFunction = 3): Request => ({ function: code, unit: 1, address, count });
const write = (address: number, value: number): Request => ({ function: 6, unit: 1, address, value });
const several = (address: number, ...values: number[]): Request => ({
  function: 16,
  unit: 1,
  address,
  registers: Buffer.from(values.flatMap((value) => [value >> 8, value & 0xff])),
});
const answerOf = (count: number) => Buffer.from([1, 3, 2 * count, ...Array<number>(2 * count).fill(7)]);
const exception = Buffer.of(1, 0x83, 2);

/** Asked one after the other, a second apart; the first is forgotten after ten. */
function asked(...requests: readonly Request[]): OwedAnswers {
  const owed = new OwedAnswers();
  for (const [second, request] of requests.entries()) {
    const sentMs = 1_000 * second;
    owed.add({ request, sentMs, untilMs: sentMs + 10_000 }, sentMs);
  }
  return owed;
}

const NOW_MS = 5_000;

describe('Modbus RTU: answers that are owed', () => {
  const [first, second, wide] = [read(10, 1), read(20, 1), read(10, 4)];

  it('belong to the oldest request that they fit, which settles it and all before it', () => {
    const owed = asked(first, wide, second);
    assert.deepEqual(
      owed.settle(answerOf(4), NOW_MS).map(({ request }) => request),
      [wide, second],
    );
    assert.deepEqual(
      owed.settle(answerOf(1), NOW_MS).map(({ request }) => request),
      [second],
    );
    assert.equal(owed.owes(1, NOW_MS), false);
  });

  it('may be exceptions to any of the same function', () => {
    assert.equal(asked(first, wide).settle(exception, NOW_MS).length, 2);
  });

  it('are foreign where they fit nothing', () => {
    const owed = asked(first, second);
    assert.deepEqual(owed.settle(answerOf(3), NOW_MS), []);
    assert.deepEqual(owed.settle(Buffer.of(2, 3, 2, 0, 0), NOW_MS), []);
    assert.equal(owed.owes(1, NOW_MS), true);
  });

  it('are not waited for longer than they may take', () => {
    const owed = asked(first, wide);
    assert.deepEqual([owed.hides(second, 9_999), owed.hides(second, 10_000)], [true, false]);
    assert.deepEqual([owed.owes(1, 10_999), owed.owes(1, 11_000)], [true, false]);
  });

  it('hide requests whose answers look alike, not the same request asked again', () => {
    const owed = asked(first, several(30, 1, 2), write(40, 5));
    const hidden = [second, first, wide, read(20, 1, 4), several(30, 3, 4), several(30, 1, 2), several(31, 3, 4), write(40, 6)];
    assert.deepEqual(
      hidden.map((request) => owed.hides(request, NOW_MS)),
      [true, false, false, false, true, false, false, false],
    );
  });

  it('are told from those to a fence, a short read that looks like none of them', () => {
    const fences: readonly (readonly [owed: readonly Request[], request: Request, fence: Request])[] = [
      [[wide], read(50, 4), read(50, 1)],
      [[first], second, read(20, 2)],
      [[first, read(60, 2)], second, read(20, 3)],
      [[read(5, 3, 1)], read(80, 8, 1), read(80, 9, 1)],
      [[several(30, 1, 2)], several(30, 3, 4), read(30, 1)],
    ];
    for (const [owed, request, fence] of fences) assert.deepEqual(asked(...owed).fenceBefore(request, NOW_MS), fence);
  });
});
