const DAY_MS = 86_400_000;

export interface QuotaSettings {
  readonly messagesPerDay: number;
  /** A message counts once for each begun chunk of its payload. */
  readonly chunkBytes: number;
}

/** What is kept over a restart. */
export interface QuotaRecord {
  /** Days since 1970, UTC. */
  readonly day: number;
  readonly used: number;
}

export interface QuotaStatus {
  readonly usedToday: number;
  readonly messagesPerDay: number;
  /** When it will be used up at the pace of today, where that is before the day ends; UTC, milliseconds since 1970. */
  readonly endsTimeMs?: number;
}

/** Counts what a hub bills, from midnight to midnight UTC. */
export class DailyQuota {
  readonly #settings: QuotaSettings;
  #day: number;
  #used: number;
  /** Since when is counted today, and what had been used before. */
  #since: { readonly timeMs: number; readonly used: number };

  constructor(settings: QuotaSettings, nowMs: number, record?: QuotaRecord) {
    this.#settings = settings;
    this.#day = dayOf(nowMs);
    this.#used = record?.day === this.#day ? record.used : 0;
    this.#since = { timeMs: nowMs, used: this.#used };
  }

  get record(): QuotaRecord {
    return { day: this.#day, used: this.#used };
  }

  count(bytes: number, nowMs: number): void {
    this.#turn(nowMs);
    this.#used += Math.max(1, Math.ceil(bytes / this.#settings.chunkBytes));
  }

  /** Milliseconds until more may be sent; 0: now. */
  waitMs(nowMs: number): number {
    this.#turn(nowMs);
    return this.#used < this.#settings.messagesPerDay ? 0 : (this.#day + 1) * DAY_MS - nowMs;
  }

  status(nowMs: number): QuotaStatus {
    this.#turn(nowMs);
    const { messagesPerDay } = this.#settings;
    const endsTimeMs = this.#endsTimeMs(nowMs);
    return { usedToday: this.#used, messagesPerDay, ...(endsTimeMs === undefined ? {} : { endsTimeMs }) };
  }

  #endsTimeMs(nowMs: number): number | undefined {
    const perMs = (this.#used - this.#since.used) / Math.max(1, nowMs - this.#since.timeMs);
    const endsTimeMs = nowMs + Math.max(0, this.#settings.messagesPerDay - this.#used) / perMs;
    return endsTimeMs < (this.#day + 1) * DAY_MS ? Math.round(endsTimeMs) : undefined;
  }

  /** A clock set back goes on with the day it was, but for one that was far in the future: what was used then counts for today. */
  #turn(nowMs: number): void {
    const day = dayOf(nowMs);
    if (day < this.#day - 1) this.#day = day;
    if (day <= this.#day) return;
    this.#day = day;
    this.#used = 0;
    this.#since = { timeMs: nowMs, used: 0 };
  }
}

function dayOf(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS);
}
