import type { UnmeasuredReason } from '../../../src/model/device-gap.ts';
import { GatewayError } from '../../../src/model/error.ts';
import type { Point } from '../../../src/model/point.ts';
import type { Batch, Reading } from '../../../src/model/reading.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { Log } from '../../../src/runtime/log.ts';
import type { ModbusDevice } from '../mapping/settings.ts';
import type { ReadCost } from '../planning/read-cost.ts';
import { describeRange, type Item, type PlacedPoint, type Range } from '../planning/read-items.ts';
import { costOf, planReads, type ReadPlan } from '../planning/read-plan.ts';
import type { RefusedRanges } from '../planning/refused-ranges.ts';
import type { Count } from '../protocol/counters.ts';
import { exceptionNumber, isSilentBehindGateway } from '../protocol/exception.ts';
import { readFunction } from '../protocol/request.ts';
import type { Ask } from '../wire/line.ts';
import type { Units } from '../wire/units.ts';
import { type PointResults, readings } from './point-results.ts';
import { askPatiently, isAnswer, readBlocks, SPLIT_ON } from './read-blocks.ts';

export interface PollGroupOptions {
  readonly twin: string;
  readonly device: ModbusDevice;
  readonly points: readonly PlacedPoint[];
  /** Takes the line for one request. */
  readonly ask: Ask;
  /** How many requests may be under way at once. */
  readonly atOnce: number;
  readonly units: Units;
  /** What reads of the device cost, as far as it is known now. */
  cost(): ReadCost;
  readonly refused: RefusedRanges;
  readonly clock: Clock;
  readonly count: Count;
  readonly log: Log;
}

/** A plan that is a little dearer than the best is kept: what devices take changes all the time. */
const WORTH_A_NEW_PLAN = 0.95;
const LOOK_AGAIN_MS = 60_000;
/** Ranges that are asked again in one poll. */
const MOST_RETRIES = 50;
/** The first answers tell what the device takes; until then it is assumed. */
const FIRST_LOOK_MS = 2_000;

/**
 * The points of one device that are polled together. What the device refuses is learnt and planned around; the plan is made
 * anew when something was learnt, or when what requests cost turned out to be something else.
 */
export class PollGroupReader {
  readonly #options: PollGroupOptions;
  #plan: ReadPlan;
  #plannedVersion: number;
  #lookAgainAtMs: number;
  #isToldDown = false;
  #isProbing = false;
  #missed = new Map<UnmeasuredReason, Point[]>();
  readonly #toldRefusals = new Set<number>();
  readonly #results: PointResults<Reading> = {
    read: readings.read,
    failed: (place, error, timeMs) => {
      this.#miss(place, error);
      return readings.failed(place, error, timeMs);
    },
  };

  constructor(options: PollGroupOptions) {
    this.#options = options;
    this.#plan = this.#makePlan();
    this.#plannedVersion = options.refused.version;
    this.#lookAgainAtMs = options.clock.monotonicMs() + FIRST_LOOK_MS;
  }

  /** The poll under way asks whether a silent unit is back. */
  get isProbing(): boolean {
    return this.#isProbing;
  }

  /** `undefined` while the unit is silent and that was told. Rejects only when the link is lost or aborted. */
  async poll(signal: AbortSignal): Promise<Batch | undefined> {
    const { units, device } = this.#options;
    this.#isProbing = units.isDown(device.unit) && units.takeProbe(device.unit);
    if (units.isDown(device.unit) && !this.#isProbing) return this.#tellDown();
    const read = await this.#read(signal);
    this.#isToldDown = units.isDown(device.unit);
    return this.#toBatch(read);
  }

  #tellDown(): Batch | undefined {
    const { units, device, points, clock } = this.#options;
    const { error = new GatewayError('DEVICE_TIMEOUT', this.#options.twin, 'the unit does not answer') } = units.stateOf(
      device.unit,
    );
    const told = points.map((place) => this.#results.failed(place, error, clock.nowMs()));
    if (this.#isToldDown) return undefined;
    this.#isToldDown = true;
    return this.#toBatch(told);
  }

  /** The points that the last poll did not measure, and why; empty after that. */
  takeMissed(): ReadonlyMap<UnmeasuredReason, readonly Point[]> {
    const missed = this.#missed;
    if (missed.size > 0) this.#missed = new Map();
    return missed;
  }

  #miss({ point }: PlacedPoint, error: GatewayError): void {
    const reason = exceptionNumber(error) === undefined || isSilentBehindGateway(error) ? 'device-away' : 'refused';
    if (reason === 'refused') this.#tellRefused(error);
    const known = this.#missed.get(reason);
    if (known === undefined) this.#missed.set(reason, [point]);
    else known.push(point);
  }

  /** Each kind of refusal once; what is found out by halving is told with its registers. */
  #tellRefused(error: GatewayError): void {
    const number = exceptionNumber(error);
    if (number === undefined || SPLIT_ON.has(number) || this.#toldRefusals.has(number)) return;
    this.#toldRefusals.add(number);
    const { log, twin } = this.#options;
    log.warn('reads refused', { twin, code: error.code, reason: error.message, action: error.rule.action });
  }

  #toBatch(read: readonly Reading[]): Batch | undefined {
    return read.length === 0 ? undefined : { device: this.#options.twin, readings: read };
  }

  async #read(signal: AbortSignal): Promise<readonly Reading[]> {
    const { ask, atOnce, device, clock, refused } = this.#options;
    this.#replanWhenDue();
    const { blocks, unreadable } = this.#plan;
    const read = await readBlocks(blocks, this.#results, { ask, atOnce, device, refused, clock, signal });
    if (read.wereSplit) this.#tellSplit(read.newlyRefused);
    if (refused.hasAny(device.unit)) await this.#askRefusedAgain(signal);
    return unreadable.length === 0 ? read.results : [...read.results, ...unreadable.flatMap((item) => this.#unreadable(item))];
  }

  #unreadable(item: Item): readonly Reading[] {
    const { refused, device, clock } = this.#options;
    const error = refused.errorOf(device.unit, item) ?? new GatewayError('BUG', describeRange(item), 'no request can hold it');
    return item.points.map((place) => this.#results.failed(place, error, clock.nowMs()));
  }

  #tellSplit(ranges: readonly Range[]): void {
    const { log, count, twin } = this.#options;
    count('block_splits');
    if (ranges.length > 0) log.warn('registers refused', { twin, refused: ranges.map(describeRange).join(', ') });
  }

  /** Now and then one range that was refused is asked again; as long as they are answered, the others at once. */
  async #askRefusedAgain(signal: AbortSignal): Promise<void> {
    const { refused, device, units } = this.#options;
    for (let asked = 0; asked < MOST_RETRIES && !units.isDown(device.unit); asked += 1) {
      const range = refused.takeDue(device.unit);
      if (range === undefined || !(await this.#isAnswered(range, signal))) return;
      refused.askAllAgain(device.unit);
    }
  }

  async #isAnswered(range: Range, signal: AbortSignal): Promise<boolean> {
    const { refused, device, clock, ask } = this.#options;
    const request = { function: readFunction(range.table), unit: device.unit, address: range.from, count: range.to - range.from };
    const result = await askPatiently(request, { ask, clock, signal });
    if (isAnswer(result)) refused.answered(device.unit, range);
    else refused.refused(device.unit, range, refused.errorOf(device.unit, range) ?? result);
    return isAnswer(result);
  }

  #makePlan(): ReadPlan {
    const { points, device, cost, refused } = this.#options;
    return planReads(points, { device, cost: cost(), refused: refused.fenceOf(device.unit) });
  }

  #replanWhenDue(): void {
    const { clock, refused, cost } = this.#options;
    const isOld = refused.version !== this.#plannedVersion;
    if (!isOld && clock.monotonicMs() < this.#lookAgainAtMs) return;
    this.#lookAgainAtMs = clock.monotonicMs() + LOOK_AGAIN_MS;
    this.#plannedVersion = refused.version;
    const plan = this.#makePlan();
    const isCheaper = costOf(plan.blocks, cost()) < WORTH_A_NEW_PLAN * costOf(this.#plan.blocks, cost());
    if (isOld || isCheaper) this.#plan = plan;
  }
}
