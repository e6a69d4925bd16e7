import assert from 'node:assert/strict';
import { type Loss, LossLedger } from '../../src/spool/loss-ledger.ts';

function loss(fromSequence: number, toSequence: number): Loss {
  const messages = toSequence - fromSequence + 1;
  const times = { fromTimeMs: fromSequence, toTimeMs: toSequence };
  return { twin: 'press', hub: 'cloud', reason: 'overflow', fromSequence, toSequence, ...times, messages, readings: messages };
}

function ranges(ledger: LossLedger): readonly unknown[] {
  return ledger.take().map(({ fromSequence, toSequence, messages }) => [fromSequence, toSequence, messages]);
}

describe('the ledger of losses', () => {
  it('joins ranges that touch', () => {
    const ledger = new LossLedger();
    ledger.add(loss(1, 3));
    ledger.add(loss(4, 4));
    assert.deepEqual(ranges(ledger), [[1, 4, 4]]);
  });

  it('keeps ranges apart between which something may have arrived', () => {
    const ledger = new LossLedger();
    ledger.add(loss(1, 3));
    ledger.add(loss(5, 6));
    assert.deepEqual(ranges(ledger), [
      [1, 3, 3],
      [5, 6, 2],
    ]);
  });

  it('joins them where everything in between is known to be missing, with the exact count', () => {
    const ledger = new LossLedger(() => true);
    ledger.add(loss(1, 3));
    ledger.add(loss(5, 6));
    assert.deepEqual(ranges(ledger), [[1, 6, 5]]);
  });
});
