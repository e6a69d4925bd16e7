import type { DialectDefinition } from '../../dialect.ts';
import { checkDevices, checkSettings } from './check.ts';
import { settingsSchema } from './settings.ts';

export const awsIotCore: DialectDefinition = {
  dialect: 'aws-iot-core',
  summary: 'AWS IoT Core: messages on topics or basic ingest, named shadows, jobs, fleet provisioning by claim',
  settings: settingsSchema,
  check: checkSettings,
  checkDevices,
  load: async () => (await import('./dialect.ts')).createAwsDialect,
};
