import type { Point } from './point.ts';
import type { Quality } from './quality.ts';
import type { Value } from './value.ts';

/** One value of a point at one time, with its quality. */
export interface Reading {
  readonly point: Point;
  /** `null` only when `quality` is not `good` and no value came with the reading. */
  readonly value: Value | null;
  readonly quality: Quality;
  /** OPC UA symbolic name, e.g. `BadTimeout`; present whenever `quality` is not `good`. */
  readonly status?: string;
  /** When the device sampled the value; UTC, milliseconds since 1970. Gateway clock where the protocol carries no time (Modbus). */
  readonly sourceTimeMs: number;
}

/** The unit of flow: the readings of one device from one poll or one publish response. Never empty. */
export interface Batch {
  readonly device: string;
  readonly readings: readonly Reading[];
  /**
   * Fetched later from the device's own history, to fill what was missed: in order of time for each point. Becomes messages of its
   * own that say so. What is live and what is history may overlap in time.
   */
  readonly isHistory?: true;
}

/** A reading that says why there is no value. */
export function badReading(point: Point, status: string, sourceTimeMs: number): Reading {
  return { point, value: null, quality: 'bad', status, sourceTimeMs };
}
