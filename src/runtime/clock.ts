/** Time as an argument: tests hand in a clock they move by hand. */
export interface Clock {
  /** Wall clock, for stamps only; UTC, milliseconds since 1970. May jump. */
  nowMs(): number;
  /** `false`: nobody knows whether `nowMs` is right; what is stamped by it has to say so. */
  readonly isKnown?: boolean;
  /** Milliseconds since some start; never jumps. For intervals, deadlines, back-off. */
  monotonicMs(): number;
  /** Resolves after `ms`, at once where none are left, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** What stamps. */
export type WallClock = Pick<Clock, 'nowMs' | 'isKnown'>;

/** What a timer of Node can wait, about 25 days; beyond it would ring at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    for (let leftMs = ms; leftMs > MAX_TIMER_MS; leftMs -= MAX_TIMER_MS) await wait(MAX_TIMER_MS, signal);
    await wait(ms > MAX_TIMER_MS ? ms % MAX_TIMER_MS : ms, signal);
  },
};

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
      Math.max(0, ms),
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
