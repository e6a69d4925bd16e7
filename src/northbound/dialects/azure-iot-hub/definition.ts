import type { DialectDefinition } from '../../dialect.ts';
import { checkSettings } from './check.ts';
import { type AzureSettings, settingsSchema } from './settings.ts';

const MAX_CONNECTIONS = 100;
/** Leaves room in 4 KiB, which is billed as one message, for the properties beside the body. */
const MESSAGE_BYTES = 3_800;
/** What gzip makes of the default shape is a third of it or less, but for noise with all its digits, which pays for two of three. */
const COMPRESSION = 3;

export const azureIotHub: DialectDefinition = {
  dialect: 'azure-iot-hub',
  summary:
    'Azure IoT Hub: telemetry, device twin, direct methods and messages to the device; tokens or certificates; provisioning',
  settings: settingsSchema,
  check: checkSettings,
  perTwin: ({ deviceIdentity }: AzureSettings) => (deviceIdentity === 'per-device' ? { atMost: MAX_CONNECTIONS } : undefined),
  messageBytes: ({ compress }: AzureSettings) => (compress === undefined ? 1 : COMPRESSION) * MESSAGE_BYTES,
  load: async () => (await import('./dialect.ts')).createAzureDialect,
};
