import type { Remark } from '../../src/model/declaration.ts';
import { checkOverlaps } from './check-overlaps.ts';
import { checkPoint } from './check-point.ts';
import { lineLoadPercent, requestsPerSecond } from './line-load.ts';
import { devicePoints, isSerial, type ModbusPlan } from './plan.ts';

/** What one key alone cannot tell: values that do not fit their table, points that collide, lines that are asked too much. */
export function checkPlan(plan: ModbusPlan): readonly Remark[] {
  const remarks = plan.devices.flatMap((device) => devicePoints(device).flatMap((point) => checkPoint(point, device.settings)));
  if (remarks.some(({ severity }) => severity === 'error')) return remarks;
  return [...remarks, ...checkOverlaps(plan), ...checkSerialLine(plan)];
}

const WARN_ABOVE_PERCENT = 70;

function checkSerialLine(plan: ModbusPlan): readonly Remark[] {
  return isSerial(plan) ? [...checkPortName(plan.settings.port), ...checkLoad(plan, lineLoadPercent(plan))] : [];
}

function checkLoad(plan: ModbusPlan, percent: number): readonly Remark[] {
  if (percent <= WARN_ABOVE_PERCENT) return [];
  const { baudRate } = plan.settings as { baudRate: number };
  const load = `${Math.round(percent)} % of a line of ${baudRate} baud (${requestsPerSecond(plan).toFixed(1)} requests a second, without the time that devices think)`;
  const hint = 'raise `interval`, `baudRate` or `maxGap`, or put points side by side';
  if (percent <= 100) return [{ severity: 'warning', key: 'interval', message: `the polls need ${load}`, hint }];
  return [
    { severity: 'error', key: 'interval', message: `a poll interval that the line cannot keep: the polls need ${load}`, hint },
  ];
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
