import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { DailyQuota, type QuotaStatus } from './daily-quota.ts';
import type { DeliveryLimits } from './delivery-limits.ts';
import { Pace } from './pace.ts';
import { readQuota, writeQuota } from './quota-file.ts';

export interface AllowanceOptions {
  readonly limits: DeliveryLimits;
  readonly clock: Clock;
  readonly log: Log;
  /** Where the count of the day is kept; `undefined`: in memory only. */
  readonly quotaFile: string | undefined;
}

const SAVE_EVERY_MS = 60_000;
const QUOTA_LOOK_MS = 60_000;
/** A forecast of the first minutes would be noise. */
const FORECAST_EVERY_MS = 600_000;

/** When the next message may go to a hub: its pace and its daily quota, and a word to the log before that ends. */
export class Allowance {
  readonly #options: AllowanceOptions;
  readonly #pace: Pace;
  #quota: DailyQuota | undefined;
  /** Before it is known what the day has used up already. */
  readonly #early: number[] = [];
  #savedMs = 0;
  #saving: Promise<void> = Promise.resolve();
  #forecastMs: number;
  #isToldUsedUp = false;

  constructor(options: AllowanceOptions) {
    this.#options = options;
    this.#pace = new Pace(options.limits.messagesPerSecond);
    this.#forecastMs = options.clock.monotonicMs() + FORECAST_EVERY_MS;
  }

  get quota(): QuotaStatus | undefined {
    return this.#quota?.status(this.#options.clock.nowMs());
  }

  /** Messages a second at present. */
  get perSecond(): number {
    return this.#pace.perSecond;
  }

  /** Resolves when a message may go, or when the signal is aborted. */
  async next(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    // In slices: days end by the wall clock, and it may be set meanwhile.
    for (let quotaMs = await this.#quotaWaitMs(); quotaMs > 0 && !signal.aborted; quotaMs = await this.#quotaWaitMs())
      await clock.sleep(Math.min(quotaMs, QUOTA_LOOK_MS), signal).catch(() => {});
    const paceMs = this.#pace.take(clock.monotonicMs());
    if (paceMs > 0) await clock.sleep(paceMs, signal).catch(() => {});
  }

  /** The hub bills so many bytes. */
  bill(bytes: number): void {
    const { clock, limits } = this.#options;
    if (limits.quota === undefined) return;
    if (this.#quota === undefined) this.#early.push(bytes);
    this.#quota?.count(bytes, clock.nowMs());
    this.#forecast(clock.monotonicMs());
    if (clock.monotonicMs() - this.#savedMs >= SAVE_EVERY_MS) void this.save();
  }

  refused(): void {
    this.#pace.refused();
  }

  /** One after the other: of two at once the older might come last. */
  save(): Promise<void> {
    this.#savedMs = this.#options.clock.monotonicMs();
    this.#saving = this.#saving.then(() => this.#saveNow());
    return this.#saving;
  }

  async #saveNow(): Promise<void> {
    const { quotaFile } = this.#options;
    if (quotaFile !== undefined && this.#quota !== undefined) await writeQuota(quotaFile, this.#quota.record);
  }

  async #quotaWaitMs(): Promise<number> {
    const { limits, clock, log, quotaFile } = this.#options;
    if (limits.quota === undefined) return 0;
    const record = this.#quota !== undefined || quotaFile === undefined ? undefined : await readQuota(quotaFile);
    this.#quota ??= new DailyQuota(limits.quota, clock.nowMs(), record);
    for (const bytes of this.#early.splice(0)) this.#quota.count(bytes, clock.nowMs());
    const waitMs = this.#quota.waitMs(clock.nowMs());
    if (waitMs > 0 && !this.#isToldUsedUp) log.warn('quota used up', { ...this.quota, resumes_in_ms: waitMs });
    this.#isToldUsedUp = waitMs > 0;
    return waitMs;
  }

  #forecast(nowMs: number): void {
    if (nowMs < this.#forecastMs) return;
    this.#forecastMs = nowMs + FORECAST_EVERY_MS;
    const { endsTimeMs, ...quota } = this.quota ?? {};
    if (endsTimeMs === undefined) return;
    this.#options.log.warn('quota will end', { ...quota, ends: new Date(endsTimeMs).toISOString() });
  }
}
