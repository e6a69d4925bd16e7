import assert from 'node:assert/strict';
import { Recorder } from '../../src/simulator/recorder.ts';

function recorded(...messages: readonly object[]): Recorder {
  const recorder = new Recorder();
  for (const message of messages) {
    recorder.record(Buffer.from(JSON.stringify({ gateway: 'g', twin: 'press-07', epoch: 'e', ...message })));
  }
  return recorder;
}

describe('recorder at the broker', () => {
  it('counts messages and readings', () => {
    const recorder = recorded(
      {
        seq: 1,
        values: {
          a: [
            [0, 1],
            [5, 2],
          ],
          b: [[0, 1]],
        },
      },
      { seq: 2, values: {} },
    );
    assert.deepEqual([recorder.total('messages'), recorder.total('readings'), recorder.total('missing')], [2, 3, 0]);
  });

  it('sees what is missing, at the beginning too', () => {
    assert.equal(recorded({ seq: 2 }, { seq: 5 }).total('missing'), 3);
  });

  it('takes a late message for late, not for lost', () => {
    const recorder = recorded({ seq: 1 }, { seq: 3 }, { seq: 2 });
    assert.deepEqual([recorder.total('missing'), recorder.total('duplicates')], [0, 0]);
  });

  it('counts what comes again as duplicate only', () => {
    const recorder = recorded({ seq: 1 }, { seq: 2 }, { seq: 1 }, { seq: 2 });
    assert.deepEqual([recorder.total('messages'), recorder.total('duplicates')], [2, 2]);
  });

  it('keeps twins and epochs apart', () => {
    const recorder = recorded({ seq: 1 }, { seq: 1, twin: 'press-08' }, { seq: 1, epoch: 'f' });
    assert.equal(recorder.streams.length, 3);
    assert.deepEqual([recorder.total('duplicates'), recorder.total('messages', 'press-08')], [0, 1]);
  });

  it('leaves alone what is no message of a twin', () => {
    const recorder = new Recorder();
    for (const payload of ['', 'null', '[]', '{"schema":"gw.status/1"}', '\xff']) recorder.record(Buffer.from(payload, 'latin1'));
    assert.equal(recorder.streams.length, 0);
  });
});
