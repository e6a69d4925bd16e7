/** Reasons of gap records that tell of readings which were never made; all others tell of readings that were lost. */
export const UNMEASURED: ReadonlySet<string> = new Set([
  'device-away',
  'poll-skipped',
  'refused',
  'subscription-gap',
  'queue-overflow',
  'gateway-off',
]);

export function isUnmeasured(reason: string): boolean {
  return UNMEASURED.has(reason);
}
