import type { DialectDefinition } from '../dialect.ts';
import { awsIotCore } from './aws-iot-core/definition.ts';
import { azureIotHub } from './azure-iot-hub/definition.ts';
import { mqtt } from './mqtt/definition.ts';
import { sparkplugB } from './sparkplug-b/definition.ts';

/** Every dialect of MQTT the gateway speaks towards clouds. One line each; nothing else has to change. */
export const dialects: readonly DialectDefinition[] = [mqtt, awsIotCore, azureIotHub, sparkplugB];
