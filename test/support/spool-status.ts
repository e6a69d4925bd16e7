import { mapClasses } from '../../src/model/spool-class.ts';
import type { GatewayStatus } from '../../src/model/status.ts';

/** A spool that is well; each class as all of it. */
export function spoolStatus(bytes: number, maxBytes: number, counters: Readonly<Record<string, number>>): GatewayStatus['spool'] {
  const spool = { state: 'ok', isDiskLow: false, bytes, maxBytes, segments: 1, counters } as const;
  return { ...spool, commitWindowMs: 100, classes: mapClasses(() => ({ ...spool, waitingMessages: {} })) };
}
