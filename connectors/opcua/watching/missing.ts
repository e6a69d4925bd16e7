import { type DeviceGap, eventsOf, type MissedPoint } from '../../../src/model/device-gap.ts';
import type { ConnectionPlan } from '../../../src/model/plan.ts';
import type { Point } from '../../../src/model/point.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import { PollCycle, wallTimeMs } from '../../../src/southbound/poll-cycle.ts';
import { toMissed } from '../../../src/southbound/poll-groups.ts';
import type { OpcuaPoint } from '../mapping/settings.ts';
import { missedOf } from './polling.ts';

/** What nobody could look at while no session was open. Outlives the sessions. */
export class Missing {
  readonly #clock: Clock;
  readonly #cycles = new Map<number, PollCycle>();
  readonly #written: readonly Point<OpcuaPoint>[];
  #points: readonly Point<OpcuaPoint>[];
  readonly #events: readonly MissedPoint[];
  /** Since then nobody listens to what the server tells by itself, as far as that was not told. */
  #awayTimeMs: number | undefined;
  /** Since the first attempt for a session, where there has been none. */
  #neverTimeMs: number | undefined;

  constructor({ devices }: Pick<ConnectionPlan, 'devices'>, clock: Clock) {
    this.#clock = clock;
    const points = devices.flatMap((device) => device.points.map(({ point }) => point as Point<OpcuaPoint>));
    this.#written = points.filter(({ address, access }) => address !== undefined && access !== 'write');
    this.#points = this.#written;
    this.#events = devices.flatMap(eventsOf);
  }

  /** Polls of one interval are due at the same moments in every session. */
  cycle(intervalMs: number): PollCycle {
    const cycle = this.#cycles.get(intervalMs) ?? new PollCycle(intervalMs);
    this.#cycles.set(intervalMs, cycle);
    return cycle;
  }

  get awayTimeMs(): number | undefined {
    return this.#awayTimeMs;
  }

  /** Since when points are missing that a pattern stands for; before the first session nobody knows them, or tells that. */
  get neverTimeMs(): number | undefined {
    return this.#neverTimeMs;
  }

  /** Those that patterns stand for and that were not known while nobody was there. */
  unknown(points: readonly Point<OpcuaPoint>[]): readonly Point<OpcuaPoint>[] {
    const known = new Set(this.#points);
    return points.filter((point) => !known.has(point));
  }

  /** The first attempt to open a session was made then, and has failed; or a session of another connector ended. */
  begin(attemptedMs: number, attemptedTimeMs: number): void {
    for (const intervalMs of new Set(this.#points.filter(isPolled).map((point) => point.intervalMs)))
      this.cycle(intervalMs).begin(attemptedMs);
    this.#awayTimeMs ??= attemptedTimeMs;
    this.#neverTimeMs ??= attemptedTimeMs;
  }

  /** What the server tells by itself was complete until then. */
  lose(completeTimeMs: number, matched: readonly Point<OpcuaPoint>[]): void {
    this.#awayTimeMs = completeTimeMs;
    this.#points = [...this.#written, ...matched];
  }

  /** A session is open; what was told since it was lost is told by it. */
  back(): void {
    this.#awayTimeMs = undefined;
    this.#neverTimeMs = undefined;
  }

  /** Everything up to then, on the monotonic clock. */
  take(untilMs: number): readonly DeviceGap[] {
    const untilTimeMs = wallTimeMs(this.#clock, untilMs);
    const told = this.#points.filter((point) => !isPolled(point));
    const fromTimeMs = this.#awayTimeMs ?? untilTimeMs;
    this.#awayTimeMs = Math.max(fromTimeMs, untilTimeMs);
    const counted = [...this.#cycles.values()].flatMap((cycle) => {
      const passed = cycle.pass(untilMs);
      const points = this.#points.filter((point) => isPolled(point) && point.intervalMs === cycle.intervalMs);
      return passed === undefined ? [] : missedOf(points, toMissed(passed, this.#clock), 'device-away');
    });
    const untold = { polls: 0, fromTimeMs, toTimeMs: this.#awayTimeMs };
    const ofEvents = missedOf(this.#events, untold, 'device-away').map((gap) => ({ ...gap, isOfEvents: true as const }));
    return [...counted, ...missedOf(told, untold, 'device-away'), ...ofEvents];
  }
}

export function isPolled({ address }: Point<OpcuaPoint>): boolean {
  return address.read === 'poll' && address.serverAggregate === undefined;
}
