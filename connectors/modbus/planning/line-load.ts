import { devicePoints, type ModbusDevicePlan, type ModbusPlan } from '../mapping/plan.ts';
import { readCost } from './read-cost.ts';
import { placePoint } from './read-items.ts';
import { costOf, planReads, type ReadPlan } from './read-plan.ts';

/** What is polled together, and how. */
export interface PlannedGroup extends ReadPlan {
  readonly device: ModbusDevicePlan;
  readonly intervalMs: number;
  /** Milliseconds for which one poll keeps the connection busy. */
  readonly costMs: number;
}

/** The polls of a connection. `turnAroundMs`: what devices take to answer; absent: as assumed until that is measured. */
export function plannedGroups(plan: ModbusPlan, turnAroundMs?: number): readonly PlannedGroup[] {
  const cost = readCost(plan, turnAroundMs);
  return plan.devices.flatMap((device) =>
    pollGroups(device).map(({ intervalMs, points }) => {
      const placed = points.map((point) => placePoint(point, device.settings));
      const reads = planReads(placed, { device: device.settings, cost });
      return { ...reads, device, intervalMs, costMs: costOf(reads.blocks, cost) };
    }),
  );
}

/** Share of the time for which the connection is needed by the polls of its devices. */
export function busyPercent(groups: readonly Pick<PlannedGroup, 'costMs' | 'intervalMs'>[]): number {
  return groups.reduce((sum, { costMs, intervalMs }) => sum + (100 * costMs) / intervalMs, 0);
}

export function requestsPerSecond(groups: readonly Pick<PlannedGroup, 'blocks' | 'intervalMs'>[]): number {
  return groups.reduce((sum, { blocks, intervalMs }) => sum + (1_000 * blocks.length) / intervalMs, 0);
}

/** The points of a device that are read, by interval. */
export function pollGroups(device: ModbusDevicePlan) {
  const readable = devicePoints(device).filter(({ access }) => access !== 'write');
  return [...Map.groupBy(readable, ({ intervalMs }) => intervalMs)].map(([intervalMs, points]) => ({ intervalMs, points }));
}
