import assert from 'node:assert/strict';
import { DeliveryRecord } from './record.ts';

interface Sketch {
  readonly seq: number;
  readonly values?: object;
  readonly gap?: object;
  readonly sent?: string;
  readonly id?: string;
  readonly epoch?: string;
}

describe('the book of a receiver', () => {
  const recordOf = (...messages: readonly Sketch[]) => {
    const record = new DeliveryRecord();
    for (const { epoch = '8f3a', ...message } of messages) {
      const id = `gw-01:press:${epoch}:${message.seq}`;
      record.add(JSON.stringify({ id, gateway: 'gw-01', twin: 'press', epoch, t0: 1_000, ...message }));
    }
    return record;
  };

  it('is content with every number once, with repetitions, and with a new epoch', () => {
    const record = recordOf({ seq: 1 }, { seq: 2, sent: 'now' }, { seq: 2, sent: 'later' }, { seq: 3 }, { seq: 1, epoch: '9' });
    record.verify();
    assert.deepEqual(record.totals, { messages: 4, duplicates: 1, missing: 0, gapRecords: 0 });
  });

  it('names the numbers that are missing', () => {
    assert.throws(() => recordOf({ seq: 1 }, { seq: 3 }, { seq: 7 }).verify(), /press \(epoch 8f3a\): 2, 4-6 missing/);
  });

  it('is content where a gap record declares them', () => {
    const gap = { reason: 'overflow', fromSeq: 2, toSeq: 3, messages: 2, readings: 20 };
    const record = recordOf({ seq: 1 }, { seq: 4 }, { seq: 5, gap });
    record.verify();
    assert.deepEqual(record.declaredLosses('press'), { messages: 2, unnumbered: 0, readings: 20 });
  });

  it('does not count as lost what was declared and arrived', () => {
    const gap = { reason: 'overflow', fromSeq: 1, toSeq: 3, messages: 3, readings: 5 };
    const record = recordOf({ seq: 1, values: { polls: [[0, 7]] } }, { seq: 4, gap });
    assert.deepEqual(record.declaredLosses('press'), { messages: 2, unnumbered: 0, readings: 4 });
  });

  it('names what came again with another content, with another id, or too late', () => {
    const other = { polls: [[0, 1]] };
    assert.throws(() => recordOf({ seq: 1 }, { seq: 1, values: other }).verify(), /1 came again with another content/);
    assert.throws(() => recordOf({ seq: 1, id: 'x' }).verify(), /1 has the id x/);
    assert.throws(() => recordOf({ seq: 2 }, { seq: 1 }).verify(), /1 came after 2/);
  });

  it('is not content with nothing at all', () => {
    assert.throws(() => recordOf().verify(), /nothing was delivered/);
  });
});
