import type { DialectDefinition } from '../../dialect.ts';
import { checkSettings } from './check.ts';
import { settingsSchema } from './settings.ts';

export const mqtt: DialectDefinition = {
  dialect: 'mqtt',
  summary: 'Any MQTT broker, 3.1.1 or 5: messages in JSON on topics of your choice',
  settings: settingsSchema,
  check: checkSettings,
  load: async () => (await import('./dialect.ts')).createMqttDialect,
};
