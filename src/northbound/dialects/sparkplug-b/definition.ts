import type { DialectDefinition } from '../../dialect.ts';
import { checkSettings } from './check.ts';
import { settingsSchema } from './settings.ts';

export const sparkplugB: DialectDefinition = {
  dialect: 'sparkplug-b',
  summary: 'Sparkplug B 3.0 on any MQTT broker: an edge node with its devices, for SCADA hosts such as Ignition',
  settings: settingsSchema,
  check: checkSettings,
  load: async () => (await import('./dialect.ts')).createSparkplugDialect,
};
