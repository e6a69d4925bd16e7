import type { DeliveryLimits } from '../../delivery-limits.ts';

/** What a unit of a tier takes: messages a second (of all devices, never less than the floor) and a day, and what counts as one. */
interface Tier {
  readonly perSecond: number;
  readonly atLeastPerSecond: number;
  readonly perDay: number;
  readonly chunkBytes: number;
}

const KIB = 1_024;
const SMALL = { perSecond: 12, atLeastPerSecond: 100, perDay: 400_000, chunkBytes: 4 * KIB };
const MEDIUM = { perSecond: 120, atLeastPerSecond: 0, perDay: 6_000_000, chunkBytes: 4 * KIB };
const LARGE = { perSecond: 6_000, atLeastPerSecond: 0, perDay: 300_000_000, chunkBytes: 4 * KIB };

export const TIER_NAMES = ['F1', 'B1', 'B2', 'B3', 'S1', 'S2', 'S3'] as const;
export type TierName = (typeof TIER_NAMES)[number];

const TIERS: Readonly<Record<TierName, Tier>> = {
  F1: { ...SMALL, perDay: 8_000, chunkBytes: KIB / 2 },
  B1: SMALL,
  S1: SMALL,
  B2: MEDIUM,
  S2: MEDIUM,
  B3: LARGE,
  S3: LARGE,
};

/** Basic tiers know neither twins nor methods nor messages to devices. */
export function hasTwins(tier: TierName | undefined): boolean {
  return tier === undefined || !tier.startsWith('B');
}

/** What the whole hub takes; `share`: how many connections of this gateway it is divided among. */
export function tierLimits(tier: TierName | undefined, units: number, share: number): DeliveryLimits {
  if (tier === undefined) return {};
  const { perSecond, atLeastPerSecond, perDay, chunkBytes } = TIERS[tier];
  return {
    messagesPerSecond: Math.max(atLeastPerSecond, perSecond * units) / share,
    quota: { messagesPerDay: Math.max(1, Math.floor((perDay * units) / share)), chunkBytes },
  };
}
