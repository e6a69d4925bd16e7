import assert from 'node:assert/strict';
import { AnswerHistory } from '../../../connectors/modbus/wire/answer-history.ts';

const UNKNOWN_MS = 1_000;

describe('how long Modbus units take to answer', () => {
  it('is not known before a first answer: then what is configured holds', () => {
    const history = new AnswerHistory();
    assert.deepEqual(
      [history.enoughMs(1, UNKNOWN_MS), history.lateMs(1, 250), history.smoothedMs(1)],
      [UNKNOWN_MS, 250, undefined],
    );
  });

  it('is smoothed as RFC 6298 does', () => {
    const history = new AnswerHistory();
    history.observe(1, 100);
    history.observe(1, 200);
    assert.deepEqual(history.list(), { 1: { answerMs: 112.5, deviationMs: 62.5, probeMs: 362.5 } });
  });

  it('gives a steady unit little time, never less than an adapter may need, and an unsteady one all that is configured', () => {
    const history = new AnswerHistory();
    for (let answer = 0; answer < 40; answer += 1) {
      history.observe(1, 5);
      history.observe(2, answer % 2 === 0 ? 10 : 300);
    }
    assert.deepEqual([history.enoughMs(1, UNKNOWN_MS), history.lateMs(1, 250)], [50, 50]);
    assert.ok(history.enoughMs(2, UNKNOWN_MS) > 500);
    assert.deepEqual([history.enoughMs(2, 400), history.lateMs(2, 250)], [400, 250]);
  });
});
