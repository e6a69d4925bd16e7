import type { Subscriber } from 'rxjs';

/** What a step throws is an error of its stream: RxJS would let it end the process, and with it every other device. */
export function guarded<T>(subscriber: Subscriber<T>, step: () => void): void {
  try {
    step();
  } catch (error) {
    subscriber.error(error);
  }
}
