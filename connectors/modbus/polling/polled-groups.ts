import type { DeviceGap } from '../../../src/model/device-gap.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import { type PollCycle, spreadCycles } from '../../../src/southbound/poll-cycle.ts';
import { type MissedPolls, toMissed } from '../../../src/southbound/poll-groups.ts';
import { devicePoints, type ModbusDevicePlan, type ModbusPlan, type RegisterPoint } from '../mapping/plan.ts';

/** The points of one device with one interval, and when they are due. Outlives the sessions. */
export interface PolledGroup {
  readonly device: ModbusDevicePlan;
  readonly points: readonly RegisterPoint[];
  readonly cycle: PollCycle;
}

export function polledGroups({ devices }: ModbusPlan): readonly PolledGroup[] {
  const groups = devices.flatMap((device) => {
    const readable = devicePoints(device).filter(({ access }) => access !== 'write');
    return [...Map.groupBy(readable, ({ intervalMs }) => intervalMs)].map(([intervalMs, points]) => ({
      device,
      intervalMs,
      points,
    }));
  });
  const cycles = spreadCycles(groups.map(({ intervalMs }) => intervalMs));
  return groups.flatMap(({ device, points }, at) => {
    const cycle = cycles[at];
    return cycle === undefined ? [] : [{ device, points, cycle }];
  });
}

/** What was due while there was no session, and what the end of one cut off. */
export function missedMeanwhile(groups: readonly PolledGroup[], clock: Clock, untilMs: number): readonly DeviceGap[] {
  return groups.flatMap((group) => {
    group.cycle.begin(clock.monotonicMs());
    const passed = group.cycle.pass(untilMs);
    return passed === undefined ? [] : [toGap(group, { reason: 'device-away', ...toMissed(passed, clock) })];
  });
}

export function toGap({ device, points }: PolledGroup, { polls, ...missed }: MissedPolls): DeviceGap {
  return { device: device.twin, points, readings: polls * points.length, ...missed };
}
