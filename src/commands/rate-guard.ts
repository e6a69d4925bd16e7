import type { PointPlan } from '../model/plan.ts';
import { type Finding, finding } from './finding.ts';

/** `atMostEvery` of each point, counted from the last attempt to write, on the clock that never jumps. */
export class RateGuard {
  readonly #attemptedMs = new Map<string, number>();

  check({ point, write }: PointPlan, monotonicMs: number): Finding | undefined {
    const attemptedMs = this.#attemptedMs.get(point.id);
    if (attemptedMs === undefined || write?.atMostEveryMs === undefined) return undefined;
    const waitMs = attemptedMs + write.atMostEveryMs - monotonicMs;
    if (waitMs <= 0) return undefined;
    return finding(
      'COMMAND_TOO_OFTEN',
      `${point.id} was written less than ${write.atMostEveryMs} ms ago; wait ${Math.ceil(waitMs)} ms`,
    );
  }

  attempt({ point }: PointPlan, monotonicMs: number): void {
    this.#attemptedMs.set(point.id, monotonicMs);
  }
}
