import { type Batch, badReading, type Reading } from '../../src/model/reading.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Log } from '../../src/runtime/log.ts';
import type { Count } from './counters.ts';
import type { Ask } from './line.ts';
import { type Outcome, readBlocks } from './read-blocks.ts';
import { type Block, type PlacedPoint, planReads } from './read-plan.ts';
import type { ModbusDevice } from './settings.ts';
import { statusName } from './status-name.ts';
import type { Units } from './units.ts';

export interface PollGroupOptions {
  readonly twin: string;
  readonly device: ModbusDevice;
  readonly points: readonly PlacedPoint[];
  /** Takes the line for one request. */
  readonly ask: Ask;
  readonly units: Units;
  readonly clock: Clock;
  readonly count: Count;
  readonly log: Log;
}

const FIRST_REPLAN_MS = 30_000;
const MAX_REPLAN_MS = 3_600_000;

/**
 * The points of one device that are polled together. A block that the device refuses is split until the guilty points are
 * alone; the split is kept, and the whole tried again after a while, more and more rarely.
 */
export class PollGroupReader {
  readonly #options: PollGroupOptions;
  readonly #plan: readonly Block[];
  #blocks: readonly Block[];
  #refused: readonly Outcome[] = [];
  #replanWaitMs = FIRST_REPLAN_MS;
  #replanAtMs = Number.POSITIVE_INFINITY;
  #isToldDown = false;
  #isProbing = false;

  constructor(options: PollGroupOptions) {
    this.#options = options;
    this.#plan = planReads(options.points, options.device);
    this.#blocks = this.#plan;
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
    const readings = await this.#read(signal);
    this.#isToldDown = units.isDown(device.unit);
    return this.#toBatch(readings);
  }

  #tellDown(): Batch | undefined {
    const { units, device, points, clock } = this.#options;
    if (this.#isToldDown) return undefined;
    this.#isToldDown = true;
    const { error } = units.stateOf(device.unit);
    const status = error === undefined ? 'BadTimeout' : statusName(error);
    return this.#toBatch(points.map(({ point }) => badReading(point, status, clock.nowMs())));
  }

  #toBatch(readings: readonly Reading[]): Batch | undefined {
    return readings.length === 0 ? undefined : { device: this.#options.twin, readings };
  }

  async #read(signal: AbortSignal): Promise<readonly Reading[]> {
    const { ask, device, clock } = this.#options;
    this.#replanWhenDue();
    const { outcomes, blocks, wereSplit } = await readBlocks(this.#blocks, { ask, device, clock, signal });
    if (wereSplit) this.#keepSplit(blocks, outcomes);
    const nowMs = clock.nowMs();
    const refused = wereSplit ? [] : this.#refused.map((outcome) => toReading({ ...outcome, timeMs: nowMs }));
    return [...outcomes.map(toReading), ...refused];
  }

  #keepSplit(answered: readonly Block[], outcomes: readonly Outcome[]): void {
    const { clock, log, count, twin } = this.#options;
    this.#refused = outcomes.filter((outcome) => 'error' in outcome);
    this.#blocks = answered;
    this.#replanAtMs = clock.monotonicMs() + this.#replanWaitMs;
    this.#replanWaitMs = Math.min(2 * this.#replanWaitMs, MAX_REPLAN_MS);
    count('block_splits');
    const points = this.#refused.map(({ place }) => place.point.name);
    log.warn('block split', { twin, refused: points.join(','), requests: answered.length });
  }

  #replanWhenDue(): void {
    if (this.#options.clock.monotonicMs() < this.#replanAtMs) return;
    this.#blocks = this.#plan;
    this.#refused = [];
    this.#replanAtMs = Number.POSITIVE_INFINITY;
  }
}

export function toReading(outcome: Outcome): Reading {
  const { place, timeMs } = outcome;
  if ('error' in outcome) return badReading(place.point, statusName(outcome.error), timeMs);
  return { point: place.point, value: outcome.value, quality: 'good', sourceTimeMs: timeMs };
}
