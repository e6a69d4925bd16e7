import type { Remark } from '../../../model/declaration.ts';
import { checkBrokerSettings } from '../mqtt/check.ts';
import type { SparkplugSettings } from './settings.ts';

export function checkSettings(settings: SparkplugSettings): readonly Remark[] {
  const remarks = [...checkBrokerSettings(settings)];
  if (settings.rebirthAtMostEvery > 600_000)
    remarks.push({
      severity: 'error',
      key: 'rebirthAtMostEvery',
      message: 'expected at most `10 min`: a host waits that long for births',
    });
  return remarks;
}
