/** Exponential with full jitter, so that a hall of gateways does not knock at the same moment after a power cut. */
export interface BackOffSettings {
  readonly firstMs: number;
  readonly maxMs: number;
  /** A session must have lived this long before the waits start small again; guards against connect-and-kick loops. */
  readonly resetAfterMs: number;
}

export const DEFAULT_BACK_OFF: BackOffSettings = { firstMs: 1_000, maxMs: 60_000, resetAfterMs: 30_000 };

/** Where the wait is drawn from: half of the exponential step is fixed, half is chance, so that no wait is ever near zero. */
export function backOffMs(failures: number, settings: BackOffSettings, random: () => number): number {
  const step = Math.min(settings.maxMs, settings.firstMs * 2 ** Math.min(failures - 1, 30));
  return step / 2 + (random() * step) / 2;
}
