import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../../src/runtime/clock.ts';

/** Timers of Node know whole milliseconds and are up to one more late: a fifth of a transaction at 115 200 baud. */
const COARSE_MS = 2;

/**
 * Waits until a time (monotonic) to a fraction of a millisecond. The last of it is passed in turns of the event loop, which stays
 * free for everybody else; it costs CPU only while somebody waits for a line that was not silent long enough yet.
 */
export async function silence(untilMs: number, clock: Clock): Promise<void> {
  let leftMs = untilMs - clock.monotonicMs();
  if (leftMs > COARSE_MS) await clock.sleep(leftMs - COARSE_MS);
  for (leftMs = untilMs - clock.monotonicMs(); leftMs > 0; ) {
    await nextTurn();
    const before = leftMs;
    leftMs = untilMs - clock.monotonicMs();
    // A clock that is moved by hand stands still until somebody sleeps.
    if (leftMs === before) await clock.sleep(leftMs);
  }
}
