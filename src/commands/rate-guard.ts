import { type Finding, finding } from './finding.ts';
import type { Guard } from './job.ts';

/** `atMostEvery` of each point and method, counted from the last attempt, on the clock that never jumps. */
export class RateGuard {
  readonly #attemptedMs = new Map<string, number>();

  check({ id, atMostEveryMs }: Guard, monotonicMs: number): Finding | undefined {
    const attemptedMs = this.#attemptedMs.get(id);
    if (attemptedMs === undefined || atMostEveryMs === undefined) return undefined;
    const waitMs = attemptedMs + atMostEveryMs - monotonicMs;
    if (waitMs <= 0) return undefined;
    const message = `${id} was asked for less than ${atMostEveryMs} ms ago; wait ${Math.ceil(waitMs)} ms`;
    return finding('COMMAND_TOO_OFTEN', message);
  }

  attempt({ id }: Guard, monotonicMs: number): void {
    this.#attemptedMs.set(id, monotonicMs);
  }
}
