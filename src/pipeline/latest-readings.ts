import type { DevicePlan } from '../model/plan.ts';
import type { Reading } from '../model/reading.ts';
import type { DeviceStatus, PointStatus } from '../model/status.ts';
import { isCompound, type JsonValue, mapScalars, type Value } from '../model/value.ts';

/** The last engineering reading of every point: for interlocks, for `/status`, for the live view. Bounded by the mapping. */
export class LatestReadings {
  readonly #readings = new Map<string, Reading>();
  readonly #counts = new Map<string, number>();

  keep(readings: readonly Reading[]): void {
    for (const reading of readings) this.#readings.set(reading.point.id, reading);
    const device = readings[0]?.point.device;
    if (device !== undefined) this.#counts.set(device, this.count(device) + readings.length);
  }

  get(pointId: string): Reading | undefined {
    return this.#readings.get(pointId);
  }

  /** Readings of this device since start. */
  count(device: string): number {
    return this.#counts.get(device) ?? 0;
  }

  points(device: DevicePlan): DeviceStatus['points'] {
    return device.points.map(({ point }): PointStatus => {
      const reading = this.#readings.get(point.id);
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

/** What JSON can carry: 64-bit integers as text, no NaN nor infinity. */
export function toJsonValue(value: Value | null): JsonValue {
  if (isCompound(value)) return mapScalars(value, toJsonValue);
  if (typeof value === 'bigint') return value.toString();
  return typeof value === 'number' && !Number.isFinite(value) ? null : value;
}
