import { type MonoTypeOperatorFunction, Observable, type SchedulerLike } from 'rxjs';
import type { Reading } from '../model/reading.ts';
import { createAlarm } from './alarm.ts';
import { guarded } from './guarded.ts';

/** An operator with memory for which time also passes when no reading comes. Each method returns what is to be sent now. */
export interface TimedSteps {
  onReadings(readings: readonly Reading[], nowMs: number): readonly Reading[];
  /** Called when the delay given to `wakeWithin` has passed, or earlier. */
  onTime(nowMs: number): readonly Reading[];
  /** The source completes: what must not be lost. */
  onEnd?(): readonly Reading[];
}

/** Asks for `onTime` after this many milliseconds; of several wishes the earliest counts. */
export type WakeWithin = (delayMs: number) => void;

export function timedOperator(
  scheduler: SchedulerLike,
  createSteps: (wakeWithin: WakeWithin) => TimedSteps,
): MonoTypeOperatorFunction<readonly Reading[]> {
  return (source) =>
    new Observable((subscriber) => {
      const send = (readings: readonly Reading[]): void => {
        if (readings.length > 0) subscriber.next(readings);
      };
      const alarm = createAlarm(scheduler, () => guarded(subscriber, () => send(steps.onTime(scheduler.now()))));
      const steps = createSteps(alarm.within);
      subscriber.add(alarm.cancel);
      subscriber.add(
        source.subscribe({
          next: (readings) => guarded(subscriber, () => send(steps.onReadings(readings, scheduler.now()))),
          complete: () =>
            guarded(subscriber, () => {
              send(steps.onEnd?.() ?? []);
              subscriber.complete();
            }),
          error: (error) => subscriber.error(error),
        }),
      );
    });
}
