import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 100;
const NANOSECONDS = 1e6;

export interface EventLoopDelay {
  /** How late the event loop was in 99 of 100 cases since the last call, milliseconds. */
  takeMs(): number;
  close(): void;
}

export function watchEventLoop(): EventLoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return {
    takeMs: () => {
      // The histogram holds the time between two ticks of its timer, not only what is beyond the resolution.
      const lateMs = histogram.count === 0 ? 0 : histogram.percentile(99) / NANOSECONDS - RESOLUTION_MS;
      histogram.reset();
      return Math.max(0, lateMs);
    },
    close: () => void histogram.disable(),
  };
}
