import { type SchedulerAction, type SchedulerLike, type Subscription, VirtualTimeScheduler } from 'rxjs';

/** A scheduler whose time a test moves by hand; `jump` sets its wall clock, timers run on. */
export class HandScheduler implements SchedulerLike {
  readonly #timers = new VirtualTimeScheduler(undefined, 0);
  #offsetMs: number;

  constructor(startMs = 0) {
    this.#offsetMs = startMs;
  }

  now(): number {
    return this.#timers.frame + this.#offsetMs;
  }

  get waiting(): number {
    return this.#timers.actions.length;
  }

  schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
    return this.#timers.schedule(work, delay, state);
  }

  /** Runs everything that is due until then, in order of time. */
  advance(ms: number): void {
    const targetMs = this.#timers.frame + ms;
    this.#timers.maxFrames = targetMs;
    this.#timers.flush();
    this.#timers.frame = targetMs;
  }

  jump(ms: number): void {
    this.#offsetMs += ms;
  }
}
