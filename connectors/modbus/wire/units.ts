import type { GatewayError } from '../../../src/model/error.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import { devicePoints, type ModbusPlan } from '../mapping/plan.ts';
import { AnswerHistory } from './answer-history.ts';

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
  readonly isPolled: boolean;
  failures: number;
  nextProbeMs: number;
  /** It was heard, too late: the next probe waits as long as is configured. */
  isStirring: boolean;
}

/**
 * Which units answer. One that does not is asked more and more rarely, so that it costs the others of its line one time-out a
 * probe and no more.
 */
export class Units {
  /** How long units take to answer; kept over sessions. */
  readonly history = new AnswerHistory();
  readonly #clock: Clock;
  readonly #units = new Map<number, Unit>();
  #timeoutsInRow = 0;
  #lastHeard: number | undefined;
  #lateMs: number | undefined;
  #wasHeard = false;

  constructor(plan: ModbusPlan, clock: Clock) {
    this.#clock = clock;
    for (const device of plan.devices) {
      const { settings } = device;
      const known = this.#units.get(settings.unit);
      this.#units.set(settings.unit, {
        state: { state: 'waiting' },
        maxProbeMs: Math.min(settings.probeInterval, known?.maxProbeMs ?? Number.POSITIVE_INFINITY),
        isPolled: known?.isPolled === true || devicePoints(device).some(({ access }) => access !== 'write'),
        failures: 0,
        nextProbeMs: 0,
        isStirring: false,
      });
    }
  }

  /** The unit that answered last; kept over sessions. */
  get lastHeard(): number | undefined {
    return this.#lastHeard;
  }

  /** Whether anybody answered since the connection was opened. */
  get wasHeard(): boolean {
    return this.#wasHeard;
  }

  /** How long an answer took that came too late, if none has come in time since. */
  get lateMs(): number | undefined {
    return this.#lateMs;
  }

  stateOf(unit: number): UnitState {
    return this.#units.get(unit)?.state ?? { state: 'waiting' };
  }

  /**
   * How long a unit that is down is listened for; `undefined`: as long as is configured. Probes of a unit whose times are known
   * begin with what it ever needed and double as the pause between them does, so that a dead unit never takes more than a small
   * share of the line; and one that has become slower is given all the time in the end, or at once when it was heard too late.
   */
  probeTimeoutMs(unit: number): number | undefined {
    const found = this.#units.get(unit);
    if (found === undefined || found.state.state !== 'down' || found.isStirring) return undefined;
    return this.history.enoughMs(unit, Number.POSITIVE_INFINITY) * 2 ** Math.min(found.failures - 1, 20);
  }

  /** Whether registers of it are read, which tells sooner than anything else whether it is there. */
  isPolled(unit: number): boolean {
    return this.#units.get(unit)?.isPolled === true;
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
    this.#lastHeard = unit;
    this.#lateMs = undefined;
    this.#wasHeard = true;
    found.state = { state: 'up' };
    found.failures = 0;
    found.isStirring = false;
    if (afterMs !== undefined) this.history.observe(unit, afterMs);
  }

  /** An answer came after it was given up: nobody else's fault, and a sign of life. */
  late(unit: number, afterMs: number): void {
    this.history.observe(unit, afterMs);
    this.#lateMs = afterMs;
    const found = this.#units.get(unit);
    if (found === undefined || found.state.state !== 'down') return;
    found.isStirring = true;
    found.nextProbeMs = Math.min(found.nextProbeMs, this.#clock.monotonicMs());
  }

  /** One answer is missing; the request may be repeated. */
  missed(): void {
    this.#timeoutsInRow += 1;
  }

  /** Its gateway answered in its stead (exceptions 10 and 11): the unit is asked more and more rarely, the connection is in order. */
  silentBehindGateway(unit: number, error: GatewayError): void {
    this.#wasHeard = true;
    this.#timeoutsInRow = 0;
    this.failed(unit, error, true);
  }

  /** A request failed for good. `isSilent`: nothing was heard of the unit, so that it need not be damage on the way. */
  failed(unit: number, error: GatewayError, isSilent = error.code === 'DEVICE_TIMEOUT'): void {
    const found = this.#units.get(unit);
    if (found === undefined) return;
    found.failures += 1;
    found.isStirring = false;
    if (!isSilent && found.failures < BAD_FRAMES_UNTIL_DOWN && found.state.state !== 'down') return;
    const waitMs = Math.min(found.maxProbeMs, FIRST_PROBE_MS * 2 ** Math.min(found.failures - 1, 20));
    found.nextProbeMs = this.#clock.monotonicMs() + waitMs;
    found.state = { state: 'down', error };
  }

  /** The connection is gone: nobody answers until it is back. */
  lost(error: GatewayError): void {
    for (const unit of this.#units.values()) unit.state = { state: 'down', error };
  }

  opened(): void {
    this.#wasHeard = false;
    this.#timeoutsInRow = 0;
    for (const unit of this.#units.values()) Object.assign(unit, { state: { state: 'waiting' }, failures: 0, nextProbeMs: 0 });
  }

  /** Nobody answers: then it is the connection. */
  areAllSilent(maxTimeouts: number): boolean {
    const isSilent = ({ state }: Unit) => state.error?.code === 'DEVICE_TIMEOUT';
    return this.#timeoutsInRow >= maxTimeouts && [...this.#units.values()].every(isSilent);
  }
}
