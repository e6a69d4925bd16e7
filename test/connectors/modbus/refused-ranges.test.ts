import assert from 'node:assert/strict';
import { RefusedRanges } from '../../../connectors/modbus/planning/refused-ranges.ts';
import { GatewayError } from '../../../src/model/error.ts';
import { HandClock } from '../../support/hand-clock.ts';

const refusal = new GatewayError('DEVICE_EXCEPTION', 'unit 1', 'exception 2');
const range = (from: number, to: number) => ({ table: 'holding', from, to }) as const;

describe('ranges that a Modbus device refused', () => {
  it('are asked again after 30 s, then more and more rarely, at last once an hour', async () => {
    const clock = new HandClock();
    const refused = new RefusedRanges(clock);
    refused.refused(1, range(5, 7), refusal);
    const askedMs: number[] = [];
    const startMs = clock.monotonicMs();
    for (let waited = 0; waited < 5 * 3_600; waited += 10) {
      await clock.advance(10_000);
      const due = refused.takeDue(1);
      if (due === undefined) continue;
      askedMs.push((clock.monotonicMs() - startMs) / 1_000);
      refused.refused(1, due, refusal);
    }
    assert.deepEqual(askedMs, [30, 90, 210, 450, 930, 1_890, 3_810, 7_410, 11_010, 14_610]);
  });

  it('are forgotten when an answer holds them whole, and only then', () => {
    const refused = new RefusedRanges(new HandClock());
    refused.refused(1, range(5, 7), refusal);
    refused.answered(1, range(0, 6));
    refused.answered(2, range(0, 10));
    assert.deepEqual(refused.list(), { 1: ['holding 5 to 6'] });
    refused.answered(1, range(0, 7));
    assert.deepEqual(refused.list(), {});
  });

  it('are not asked every 30 s for ever when they come and go', async () => {
    const clock = new HandClock();
    const refused = new RefusedRanges(clock);
    for (let time = 0; time < 3; time += 1) {
      refused.refused(1, range(5, 7), refusal);
      refused.answered(1, range(5, 7));
    }
    refused.refused(1, range(5, 7), refusal);
    await clock.advance(200_000);
    assert.equal(refused.takeDue(1), undefined);
  });

  it('make plans old when they are learnt or forgotten, not when they are confirmed', () => {
    const refused = new RefusedRanges(new HandClock());
    const versions = [
      () => refused.refused(1, range(5, 7), refusal),
      () => refused.refused(1, range(5, 7), refusal),
      () => refused.answered(1, range(0, 3)),
      () => refused.answered(1, range(0, 10)),
    ].map((happens) => {
      happens();
      return refused.version;
    });
    assert.deepEqual(versions, [1, 1, 1, 2]);
  });
});
