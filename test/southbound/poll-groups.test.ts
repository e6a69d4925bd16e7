import assert from 'node:assert/strict';
import { PollCycle, spreadCycles } from '../../src/southbound/poll-cycle.ts';
import { type MissedPolls, type PollOutcome, runPollGroups } from '../../src/southbound/poll-groups.ts';
import { HandClock } from '../support/hand-clock.ts';

function start(
  groups: readonly {
    readonly intervalMs: number;
    readonly takesMs?: number;
    readonly fails?: Error;
    readonly outcome?: PollOutcome;
  }[],
) {
  const clock = new HandClock(0);
  const stop = new AbortController();
  const polls: number[][] = groups.map(() => []);
  const skipped: number[] = [];
  const missed: MissedPolls[] = [];
  const cycles = spreadCycles(groups.map(({ intervalMs }) => intervalMs));
  const done = runPollGroups(
    groups.map(({ takesMs = 0, fails, outcome = 'answered' }, index) => ({
      cycle: cycles[index] ?? new PollCycle(0),
      onMissed: (polls: MissedPolls) => void missed.push(polls),
      poll: async (signal: AbortSignal) => {
        polls[index]?.push(clock.monotonicMs());
        if (fails !== undefined) throw fails;
        if (takesMs > 0) await clock.sleep(takesMs, signal);
        return outcome;
      },
    })),
    { clock, signal: stop.signal, onSkipped: (count) => skipped.push(count) },
  );
  return { clock, stop, polls, skipped, missed, done };
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
    const poll = async (): Promise<PollOutcome> => {
      polls.push(clock.monotonicMs());
      return 'answered';
    };
    const group = { cycle: new PollCycle(100.5), poll };
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

  it('tell which polls were missed, when they were due, and why', async () => {
    const { clock, stop, missed, done } = start([
      { intervalMs: 100, takesMs: 250 },
      { intervalMs: 100, takesMs: 150, outcome: 'unanswered' },
    ]);
    await clock.advance(340);
    stop.abort();
    await done;
    assert.deepEqual(missed, [
      { reason: 'device-away', polls: 1, fromTimeMs: 150, toTimeMs: 150 },
      { reason: 'poll-skipped', polls: 2, fromTimeMs: 100, toTimeMs: 200 },
    ]);
  });

  it('go on where they were in another session, and tell what was missed between the two', async () => {
    const clock = new HandClock(0);
    const cycle = new PollCycle(100);
    const polls: number[] = [];
    const missed: MissedPolls[] = [];
    const group = {
      cycle,
      onMissed: (one: MissedPolls) => void missed.push(one),
      poll: async (signal: AbortSignal): Promise<PollOutcome> => {
        await clock.sleep(30, signal);
        polls.push(clock.monotonicMs());
        return 'answered';
      },
    };
    for (const forMs of [220, 200, 120]) {
      const stop = new AbortController();
      const done = runPollGroups([group], { clock, signal: stop.signal, onSkipped: () => {} });
      await clock.advance(forMs);
      stop.abort();
      await done;
      await clock.advance(330);
    }
    assert.deepEqual(polls, [30, 130, 630, 730, 1_130]);
    assert.deepEqual(missed, [
      { reason: 'device-away', polls: 4, fromTimeMs: 200, toTimeMs: 500 },
      { reason: 'device-away', polls: 3, fromTimeMs: 800, toTimeMs: 1_000 },
    ]);
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
