import type { GatewayError } from '../model/error.ts';
import type { Clock } from '../runtime/clock.ts';

export interface InTime {
  readonly ms: number;
  readonly clock: Clock;
  /** Ends the work, too, with its own reason. */
  readonly signal: AbortSignal;
  late(): GatewayError;
}

/** Gives the work a signal that is aborted when its time is over. */
export async function inTime<T>({ ms, clock, signal, late }: InTime, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const deadline = new AbortController();
  const done = new AbortController();
  clock.sleep(ms, done.signal).then(
    () => deadline.abort(late()),
    () => {},
  );
  try {
    return await work(AbortSignal.any([signal, deadline.signal]));
  } finally {
    done.abort();
  }
}

/** For work that knows no signal: it is left alone. */
export function raceAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
