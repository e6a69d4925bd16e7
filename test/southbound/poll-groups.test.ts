import assert from 'node:assert/strict';
import { runPollGroups } from '../../src/southbound/poll-groups.ts';
import { HandClock } from '../support/hand-clock.ts';

function start(groups: readonly { readonly intervalMs: number; readonly takesMs?: number; readonly fails?: Error }[]) {
  const clock = new HandClock(0);
  const stop = new AbortController();
  const polls: number[][] = groups.map(() => []);
  const skipped: number[] = [];
  const done = runPollGroups(
    groups.map(({ intervalMs, takesMs = 0, fails }, index) => ({
      intervalMs,
      poll: async (signal: AbortSignal) => {
        polls[index]?.push(clock.monotonicMs());
        if (fails !== undefined) throw fails;
        if (takesMs > 0) await clock.sleep(takesMs, signal);
      },
    })),
    { clock, signal: stop.signal, onSkipped: (count) => skipped.push(count) },
  );
  return { clock, stop, polls, skipped, done };
}

describe('poll groups', () => {
  it('poll each at its own pace', async () => {
    const { clock, stop, polls, done } = start([{ intervalMs: 100 }]);
    await clock.advance(350);
    stop.abort();
    await done;
    assert.deepEqual(polls, [[0, 100, 200, 300]]);
  });

  it('poll once where a timer rings a little early', async () => {
    const clock = new HandClock(0);
    const early = {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      sleep: (ms: number, signal?: AbortSignal) => clock.sleep(Math.floor(ms), signal),
    };
    const stop = new AbortController();
    const polls: number[] = [];
    const group = { intervalMs: 100.5, poll: async () => void polls.push(clock.monotonicMs()) };
    const done = runPollGroups([group], { clock: early, signal: stop.signal, onSkipped: () => {} });
    await clock.advance(301);
    stop.abort();
    await done;
    assert.deepEqual(polls, [0, 100, 201, 301]);
  });

  it('keep the pace whatever a poll takes, as long as it is done before the next', async () => {
    const { clock, stop, polls, skipped, done } = start([{ intervalMs: 100, takesMs: 90 }]);
    await clock.advance(350);
    stop.abort();
    await done;
    assert.deepEqual(polls, [[0, 100, 200, 300]]);
    assert.deepEqual(skipped, []);
  });

  it('skip and count the polls that were due while one was still running, and never make up for them', async () => {
    const { clock, stop, polls, skipped, done } = start([{ intervalMs: 100, takesMs: 250 }]);
    await clock.advance(700);
    stop.abort();
    await done;
    assert.deepEqual(polls, [[0, 300, 600]]);
    assert.deepEqual(skipped, [2, 2]);
  });

  it('do not all fire in the same moment', async () => {
    const { clock, stop, polls, done } = start(Array.from({ length: 4 }, () => ({ intervalMs: 10_000 })));
    await clock.advance(10_000);
    stop.abort();
    await done;
    assert.deepEqual(polls, [[0, 10_000], [250], [500], [750]]);
  });

  it('stop at once when told to, and all when one cannot go on', async () => {
    const { clock, polls, done } = start([{ intervalMs: 100 }, { intervalMs: 100, fails: new Error('gone') }]);
    const failed = assert.rejects(done, { message: 'gone' });
    await clock.advance(1_000);
    await failed;
    assert.deepEqual(polls, [[0], [50]]);
  });
});
