import { type Clock, systemClock } from '../../src/runtime/clock.ts';

/** A clock that runs `factor` times as fast as the real one, from now. */
export function fastClock(factor: number): Clock {
  const startMs = Date.now();
  const since = performance.now();
  const passedMs = () => (performance.now() - since) * factor;
  return {
    nowMs: () => startMs + passedMs(),
    monotonicMs: passedMs,
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
  };
}
