import type { GatewayError } from '../../src/model/error.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { ModbusPlan } from './plan.ts';

const FIRST_PROBE_MS = 1_000;
/** Damaged answers are the line's fault before they are the unit's. */
const BAD_FRAMES_UNTIL_DOWN = 3;

export interface UnitState {
  readonly state: 'up' | 'down' | 'waiting';
  readonly error?: GatewayError;
}

interface Unit {
  state: UnitState;
  readonly maxProbeMs: number;
  failures: number;
  nextProbeMs: number;
  answerMs: number | undefined;
}

/**
 * Which units answer. One that does not is asked more and more rarely, so that it costs the others of its line one time-out a
 * probe and no more.
 */
export class Units {
  readonly #clock: Clock;
  readonly #units = new Map<number, Unit>();
  #timeoutsInRow = 0;

  constructor(plan: ModbusPlan, clock: Clock) {
    this.#clock = clock;
    for (const { settings } of plan.devices) {
      const maxProbeMs = Math.min(settings.probeInterval, this.#units.get(settings.unit)?.maxProbeMs ?? Number.POSITIVE_INFINITY);
      this.#units.set(settings.unit, {
        state: { state: 'waiting' },
        maxProbeMs,
        failures: 0,
        nextProbeMs: 0,
        answerMs: undefined,
      });
    }
  }

  stateOf(unit: number): UnitState {
    return this.#units.get(unit)?.state ?? { state: 'waiting' };
  }

  /** Smoothed time from request to answer. */
  answerMs(): Readonly<Record<string, number>> {
    const known = [...this.#units].filter(([, { answerMs }]) => answerMs !== undefined);
    return Object.fromEntries(known.map(([unit, { answerMs = 0 }]) => [String(unit), Math.round(answerMs * 10) / 10]));
  }

  /** How long a unit thinks, as far as it is known. */
  turnAroundMs(unit: number): number | undefined {
    return this.#units.get(unit)?.answerMs;
  }

  isDown(unit: number): boolean {
    return this.stateOf(unit).state === 'down';
  }

  /** Whether a unit that is down may be asked now; who asks so gets the probe. */
  takeProbe(unit: number): boolean {
    const found = this.#units.get(unit);
    const nowMs = this.#clock.monotonicMs();
    if (found === undefined || nowMs < found.nextProbeMs) return false;
    found.nextProbeMs = nowMs + found.maxProbeMs;
    return true;
  }

  /** `afterMs`: absent for an exception, which devices send faster than values. */
  answered(unit: number, afterMs?: number): void {
    this.#timeoutsInRow = 0;
    const found = this.#units.get(unit);
    if (found === undefined) return;
    found.state = { state: 'up' };
    found.failures = 0;
    if (afterMs === undefined) return;
    found.answerMs = found.answerMs === undefined ? afterMs : found.answerMs + (afterMs - found.answerMs) / 8;
  }

  /** One answer is missing; the request may be repeated. */
  missed(): void {
    this.#timeoutsInRow += 1;
  }

  /** A request failed for good. */
  failed(unit: number, error: GatewayError): void {
    const found = this.#units.get(unit);
    if (found === undefined) return;
    found.failures += 1;
    if (error.code !== 'DEVICE_TIMEOUT' && found.failures < BAD_FRAMES_UNTIL_DOWN && found.state.state !== 'down') return;
    const waitMs = Math.min(found.maxProbeMs, FIRST_PROBE_MS * 2 ** Math.min(found.failures - 1, 20));
    found.nextProbeMs = this.#clock.monotonicMs() + waitMs;
    found.state = { state: 'down', error };
  }

  /** The connection is gone: nobody answers until it is back. */
  lost(error: GatewayError): void {
    for (const unit of this.#units.values()) unit.state = { state: 'down', error };
  }

  opened(): void {
    this.#timeoutsInRow = 0;
    for (const unit of this.#units.values()) Object.assign(unit, { state: { state: 'waiting' }, failures: 0, nextProbeMs: 0 });
  }

  /** Nobody answers: then it is the connection. */
  areAllSilent(maxTimeouts: number): boolean {
    const isSilent = ({ state }: Unit) => state.error?.code === 'DEVICE_TIMEOUT';
    return this.#timeoutsInRow >= maxTimeouts && [...this.#units.values()].every(isSilent);
  }
}
