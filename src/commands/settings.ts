import type { SettingCommand, SettingResult } from '../model/command.ts';
import type { DevicePlan, GatewayPlan, LogLevel, PointPlan } from '../model/plan.ts';
import { duration } from '../model/schema.ts';
import type { Scalar } from '../model/value.ts';
import { type Finding, finding } from './finding.ts';

export interface SettingRules {
  /** Of `gateway.yaml`. */
  readonly gateway: GatewayPlan['cloudMayChange'];
  /** The point with another deadband; `undefined` where it has none. */
  readonly withDeadband: (point: PointPlan, deadband: number) => PointPlan | undefined;
}

/** What a command for settings changes, once all of them are let. */
export interface SettingChanges {
  /** The device as it is then; absent: nothing of it changes. */
  readonly device?: DevicePlan;
  /** It is read at another pace. */
  readonly isPaceChanged?: boolean;
  readonly logLevel?: LogLevel;
  /** What was asked for, by name, that of its twin first where it belongs to one. */
  readonly values?: Readonly<Record<string, Scalar>>;
}

export interface CheckedSettings {
  readonly changes: SettingChanges;
  /** By name; where any is refused nothing is changed. */
  readonly results: Readonly<Record<string, SettingResult>>;
  readonly isRefused: boolean;
}

type Checked = SettingChanges | Finding;

/** Only what the configuration lists under `cloudMayChange`, within its bounds; everything else is refused with the reason. */
export function checkSettings({ settings }: SettingCommand, device: DevicePlan, rules: SettingRules): CheckedSettings {
  let changes: SettingChanges = {};
  const results = Object.entries(settings).map(([name, value]): [string, SettingResult] => {
    const checked = checkOne(name, value, changes.device ?? device, rules);
    if ('code' in checked) return [name, { status: 'refused', error: { code: checked.code, message: checked.message } }];
    const whole = checked.device === undefined ? name : `${device.twin}.${name}`;
    changes = { ...changes, ...checked, values: { ...changes.values, [whole]: value } };
    return [name, { status: 'changed', value }];
  });
  return { changes, results: Object.fromEntries(results), isRefused: results.some(([, { status }]) => status === 'refused') };
}

function checkOne(name: string, value: Scalar, device: DevicePlan, rules: SettingRules): Checked {
  if (name === 'logLevel') return checkLogLevel(value, rules.gateway.logLevel);
  const [pointName, what, ...rest] = name.split('.');
  if (rest.length > 0 || (what !== 'interval' && what !== 'deadband')) {
    return finding('COMMAND_UNKNOWN', 'there are `logLevel`, `<point>.interval` and `<point>.deadband`');
  }
  const plan = device.points.find(({ point }) => point.name === pointName);
  if (plan === undefined) return finding('COMMAND_UNKNOWN', `twin ${device.twin} has no point \`${pointName}\``);
  const changed = what === 'interval' ? checkInterval(value, plan, device) : checkDeadband(value, plan, device, rules);
  if ('code' in changed) return changed;
  const points = device.points.map((each) => (each === plan ? changed : each));
  return { device: { ...device, points }, ...(what === 'interval' ? { isPaceChanged: true } : {}) };
}

function checkLogLevel(value: Scalar, allowed: readonly LogLevel[] | undefined): Checked {
  if (allowed === undefined) return notListed('logLevel', 'gateway.yaml');
  const logLevel = allowed.find((level) => level === value);
  return logLevel === undefined ? outOfRange(`one of ${allowed.join(', ')}`, value) : { logLevel };
}

function checkInterval(value: Scalar, plan: PointPlan, device: DevicePlan): PointPlan | Finding {
  const bounds = device.cloudMayChange?.interval;
  if (bounds === undefined) return notListed('interval', `the mapping of ${device.twin}`);
  if (device.patterns !== undefined) return finding('COMMAND_READ_ONLY', `the points of ${device.twin} come by browsing`);
  const { address, access } = plan.point;
  if (address === undefined || access === 'write') return finding('COMMAND_READ_ONLY', `${plan.point.id} is not read`);
  const { data: intervalMs } = duration().safeParse(value);
  if (intervalMs === undefined) return finding('VALUE_TYPE', `expected a duration as \`500 ms\`, got ${String(value)}`);
  if (intervalMs < bounds.minMs || intervalMs > bounds.maxMs) return outOfRange(`${bounds.minMs} to ${bounds.maxMs} ms`, value);
  return { ...plan, point: { ...plan.point, intervalMs } };
}

function checkDeadband(value: Scalar, plan: PointPlan, device: DevicePlan, rules: SettingRules): PointPlan | Finding {
  const bounds = device.cloudMayChange?.deadband;
  if (bounds === undefined) return notListed('deadband', `the mapping of ${device.twin}`);
  if (typeof value !== 'number') return finding('VALUE_TYPE', `expected a number, got ${String(value)}`);
  if (!(value >= bounds.min && value <= bounds.max)) return outOfRange(`${bounds.min} to ${bounds.max}`, value);
  return rules.withDeadband(plan, value) ?? finding('COMMAND_READ_ONLY', `${plan.point.id} has no \`send: { deadband }\``);
}

function notListed(setting: string, file: string): Finding {
  return finding('COMMAND_READ_ONLY', `${file} does not list \`${setting}\` under \`cloudMayChange\``);
}

function outOfRange(expected: string, value: Scalar): Finding {
  return finding('COMMAND_OUT_OF_RANGE', `expected ${expected}, got ${String(value)}`);
}
