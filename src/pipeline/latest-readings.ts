import { KeptReadings } from '../model/kept-readings.ts';
import type { DevicePlan } from '../model/plan.ts';
import type { Point } from '../model/point.ts';
import type { Reading } from '../model/reading.ts';
import type { DeviceStatus, PointStatus } from '../model/status.ts';
import { isCompound, type JsonValue, mapScalars, type Value } from '../model/value.ts';
import { type Roster, rosterOf } from './roster.ts';

/** The last engineering reading of every point: for interlocks, for `/status`, for the live view. Bounded by the mapping. */
export class LatestReadings {
  readonly #devices = new Map<string, DeviceReadings>();

  constructor(devices: readonly DevicePlan[]) {
    for (const device of devices) this.resolve(device);
  }

  /** From now on the device has these points; what is known of them stays. */
  resolve({ twin, points }: DevicePlan): void {
    const [roster, last] = [rosterOf(points), new KeptReadings()];
    for (const { point } of points) {
      const reading = this.get(point);
      if (reading !== undefined) last.set(roster.indexOf(point), reading);
    }
    this.#devices.set(twin, { points, roster, last, count: this.count(twin) });
  }

  /** Readings of one device. */
  keep(readings: readonly Reading[]): void {
    const kept = this.#devices.get(readings[0]?.point.device ?? '');
    if (kept === undefined) return;
    for (const reading of readings) kept.last.set(kept.roster.indexOf(reading.point), reading);
    kept.count += readings.length;
  }

  get(point: Point): Reading | undefined {
    const kept = this.#devices.get(point.device);
    return kept?.last.get(kept.roster.indexOf(point), point);
  }

  /** Readings of this device since start. */
  count(device: string): number {
    return this.#devices.get(device)?.count ?? 0;
  }

  points({ twin, points }: DevicePlan): DeviceStatus['points'] {
    return (this.#devices.get(twin)?.points ?? points).map(({ point }): PointStatus => {
      const reading = this.get(point);
      const unit = point.unit === undefined ? {} : { unit: point.unit };
      if (reading === undefined) return { name: point.name, ...unit };
      const { value, quality, status, sourceTimeMs } = reading;
      return {
        name: point.name,
        value: toJsonValue(value),
        quality,
        ...(status === undefined ? {} : { status }),
        ...unit,
        sourceTimeMs,
      };
    });
  }
}

interface DeviceReadings {
  readonly points: DevicePlan['points'];
  readonly roster: Roster;
  readonly last: KeptReadings;
  count: number;
}

/** What JSON can carry: 64-bit integers as text, no NaN nor infinity. */
export function toJsonValue(value: Value | null): JsonValue {
  if (isCompound(value)) return mapScalars(value, toJsonValue);
  if (typeof value === 'bigint') return value.toString();
  return typeof value === 'number' && !Number.isFinite(value) ? null : value;
}
