import assert from 'node:assert/strict';
import { checkSettings, type SettingRules } from '../../src/commands/settings.ts';
import type { DevicePlan } from '../../src/model/plan.ts';
import type { Scalar } from '../../src/model/value.ts';
import { withDeadband } from '../../src/pipeline/operators/send.ts';
import { pointPlan, press } from './plant.ts';

const oil = { ...pointPlan('oil', 'int16'), keys: { send: { deadband: 0.5, atLeastEvery: 60_000 } } };
const speed = pointPlan('speed', 'uint16');
const sum = pointPlan('sum', 'float64', undefined, { address: undefined });
const blind = pointPlan('reset', 'boolean', {}, { access: 'write' });
const device: DevicePlan = {
  ...press([oil, speed, sum, blind]),
  cloudMayChange: { interval: { minMs: 100, maxMs: 60_000 }, deadband: { min: 0, max: 5 } },
};
const rules: SettingRules = { gateway: { logLevel: ['info', 'debug'] }, withDeadband };

const check = (settings: Readonly<Record<string, Scalar>>, of: DevicePlan = device, by: SettingRules = rules) =>
  checkSettings({ id: '1', device: 'press-07', settings }, of, by);

describe('checkSettings', () => {
  it('changes what is listed, several at once, and nothing else of the device', () => {
    const { changes, isRefused } = check({
      'oil.interval': '250 ms',
      'oil.deadband': 2,
      'speed.interval': '1 min',
      logLevel: 'debug',
    });
    assert.equal(isRefused, false);
    const points = [
      { ...oil, point: { ...oil.point, intervalMs: 250 }, keys: { send: { deadband: 2, atLeastEvery: 60_000 } } },
      { ...speed, point: { ...speed.point, intervalMs: 60_000 } },
      sum,
      blind,
    ];
    const values = {
      'press-07.oil.interval': '250 ms',
      'press-07.oil.deadband': 2,
      'press-07.speed.interval': '1 min',
      logLevel: 'debug',
    };
    assert.deepEqual(changes, { device: { ...device, points }, isPaceChanged: true, logLevel: 'debug', values });
  });

  const refused: readonly (readonly [name: string, value: Scalar, code: string])[] = [
    ['logLevel', 'error', 'COMMAND_OUT_OF_RANGE'],
    ['logLevel', 7, 'COMMAND_OUT_OF_RANGE'],
    ['oil.interval', '50 ms', 'COMMAND_OUT_OF_RANGE'],
    ['oil.interval', '2 min', 'COMMAND_OUT_OF_RANGE'],
    ['oil.interval', 500, 'VALUE_TYPE'],
    ['oil.interval', 'soon', 'VALUE_TYPE'],
    ['oil.deadband', 6, 'COMMAND_OUT_OF_RANGE'],
    ['oil.deadband', -1, 'COMMAND_OUT_OF_RANGE'],
    ['oil.deadband', Number.NaN, 'COMMAND_OUT_OF_RANGE'],
    ['oil.deadband', '2', 'VALUE_TYPE'],
    ['speed.deadband', 2, 'COMMAND_READ_ONLY'],
    ['sum.interval', '1 s', 'COMMAND_READ_ONLY'],
    ['reset.interval', '1 s', 'COMMAND_READ_ONLY'],
    ['ghost.interval', '1 s', 'COMMAND_UNKNOWN'],
    ['oil.scale', 2, 'COMMAND_UNKNOWN'],
    ['oil.interval.max', 2, 'COMMAND_UNKNOWN'],
    ['spool', 2, 'COMMAND_UNKNOWN'],
    ['__proto__', 2, 'COMMAND_UNKNOWN'],
  ];
  for (const [name, value, code] of refused) {
    it(`refuses ${name} = ${value} with ${code}`, () => {
      const { isRefused, results } = check({ logLevel: 'debug', ...Object.fromEntries([[name, value]]) });
      assert.equal(isRefused, true);
      assert.equal(new Map(Object.entries(results)).get(name)?.error?.code, code);
    });
  }

  it('changes nothing that the configuration does not list', () => {
    const { cloudMayChange: _, ...closed } = device;
    const { isRefused, results } = check({ 'oil.interval': '1 s', 'oil.deadband': 1, logLevel: 'debug' }, closed, {
      ...rules,
      gateway: {},
    });
    assert.equal(isRefused, true);
    assert.deepEqual(
      Object.values(results).map(({ error }) => error?.code),
      Array(3).fill('COMMAND_READ_ONLY'),
    );
  });

  it('does not change the pace of points that come by browsing', () => {
    const { results } = check({ 'oil.interval': '1 s' }, { ...device, patterns: [speed] });
    assert.equal(results['oil.interval']?.error?.code, 'COMMAND_READ_ONLY');
  });
});
