import type { DialectDefinition } from '../../dialect.ts';
import { checkSettings } from './check.ts';
import { settingsSchema } from './settings.ts';

export const azureIotHub: DialectDefinition = {
  dialect: 'azure-iot-hub',
  summary:
    'Azure IoT Hub: telemetry, device twin, direct methods and messages to the device; tokens or certificates; provisioning',
  settings: settingsSchema,
  check: checkSettings,
  load: async () => (await import('./dialect.ts')).createAzureDialect,
};
