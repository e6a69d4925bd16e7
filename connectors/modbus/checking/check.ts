import type { Remark } from '../../../src/model/declaration.ts';
import { devicePoints, identificationPoints, isSerial, type ModbusPlan } from '../mapping/plan.ts';
import type { SerialSettings } from '../mapping/settings.ts';
import { busyPercent, type PlannedGroup, plannedGroups, requestsPerSecond } from '../planning/line-load.ts';
import { ASSUMED_TURN_AROUND_MS } from '../planning/read-cost.ts';
import { checkBroadcasts } from './check-broadcast.ts';
import { checkOverlaps } from './check-overlaps.ts';
import { checkIdentification, checkPoint } from './check-point.ts';
import { checkTogether } from './check-together.ts';

/** What one key alone cannot tell: values that do not fit their table, points that collide, lines that are asked too much. */
export function checkPlan(plan: ModbusPlan): readonly Remark[] {
  const remarks = plan.devices.flatMap((device) => [
    ...devicePoints(device).flatMap((point) => checkPoint(point, device.settings)),
    ...identificationPoints(device).flatMap(checkIdentification),
  ]);
  if (remarks.some(isError)) return remarks;
  remarks.push(...plan.devices.flatMap(checkTogether), ...checkBroadcasts(plan));
  if (remarks.some(isError)) return remarks;
  return [...remarks, ...checkOverlaps(plan), ...checkSerialLine(plan)];
}

function isError({ severity }: Remark): boolean {
  return severity === 'error';
}

const WARN_ABOVE_PERCENT = 70;

function checkSerialLine(plan: ModbusPlan): readonly Remark[] {
  return isSerial(plan) ? [...checkPortName(plan.settings.port), ...checkLoad(plan)] : [];
}

/** Refused is only what no device could do; the warning takes devices to think as long as most do. */
function checkLoad(plan: ModbusPlan<SerialSettings>): readonly Remark[] {
  const hint = 'raise `interval` or `baudRate`, or put points side by side; `fieldmarshal plan` shows every request';
  const least = plannedGroups(plan, 0);
  if (busyPercent(least) > 100) {
    const load = `${describeLoad(plan, least)}, even of devices that answer at once)`;
    return [
      { severity: 'error', key: 'interval', message: `a poll interval that the line cannot keep: the polls need ${load}`, hint },
    ];
  }
  const usual = plannedGroups(plan);
  if (busyPercent(usual) <= WARN_ABOVE_PERCENT) return [];
  const load = `${describeLoad(plan, usual)}, of devices that answer after ${ASSUMED_TURN_AROUND_MS} ms)`;
  return [{ severity: 'warning', key: 'interval', message: `the polls need ${load}`, hint }];
}

function describeLoad({ settings }: ModbusPlan<SerialSettings>, groups: readonly PlannedGroup[]): string {
  const percent = Math.round(busyPercent(groups));
  return `${percent} % of a line of ${settings.baudRate} baud (${requestsPerSecond(groups).toFixed(1)} requests a second`;
}

/** `/dev/ttyUSB0` is whichever adapter was found first. */
function checkPortName(port: string): readonly Remark[] {
  if (!/^\/dev\/tty(?:USB|ACM)\d+$/.test(port)) return [];
  return [
    {
      severity: 'warning',
      key: 'port',
      message: `${port} may be another adapter after a restart`,
      hint: 'use the name in `/dev/serial/by-id/` or `/dev/serial/by-path/`',
    },
  ];
}
