import type { DevicePlan, HubPlan } from '../../../src/model/plan.ts';
import { Secret } from '../../../src/model/secret.ts';
import type { Dialect, DialectContext } from '../../../src/northbound/dialect.ts';
import { azureIotHub } from '../../../src/northbound/dialects/azure-iot-hub/definition.ts';
import { createAzureDialect } from '../../../src/northbound/dialects/azure-iot-hub/dialect.ts';
import { dialectContext } from '../../northbound/plant.ts';

/** Keys of the fact sheets, in base64. */
export const KEY = Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString('base64');
export const GROUP_KEY = Buffer.from(Array.from({ length: 64 }, (_, index) => index)).toString('base64');
export const OTHER_KEY = Buffer.alloc(32, 7).toString('base64');

export function secret(text: string | Buffer): Secret {
  return new Secret('test', Buffer.from(text));
}

/** A press with a property and things to be written. */
export function press(twin: string, more: Partial<DevicePlan> = {}): DevicePlan {
  const hubs = { telemetry: ['cloud'], property: ['cloud'], event: ['cloud'], gap: ['cloud'], status: ['cloud'] };
  const point = (name: string, kind: 'telemetry' | 'property', isWritable: boolean) => ({
    point: {
      id: `${twin}/${name}`,
      device: twin,
      name,
      address: {},
      type: 'float64' as const,
      access: isWritable ? ('read-write' as const) : ('read' as const),
      kind,
      intervalMs: 1_000,
    },
    keys: {},
    ...(isWritable ? { write: { min: 0, max: 1_500 } } : {}),
  });
  return {
    ...{ twin, labels: { line: 'l3' }, connection: 'hall-3', settings: {}, hubs, message: { maxBytes: 4_000, maxAgeMs: 1_000 } },
    points: [
      point('temperature', 'telemetry', false),
      point('isRunning', 'property', false),
      point('speedSetpoint', 'property', true),
    ],
    ...more,
  };
}

export interface DialectOptions {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly devices?: readonly DevicePlan[];
  readonly context?: Partial<DialectContext>;
  readonly plan?: Partial<HubPlan>;
}

/** The dialect with settings as a person writes them. */
export function azureDialect({ settings, devices = [press('press-07')], context = {}, plan = {} }: DialectOptions): Dialect {
  const parsed = azureIotHub.settings.parse({ auth: { key: secret(KEY) }, ...settings });
  return createAzureDialect(
    { name: 'cloud', dialect: 'azure-iot-hub', settings: parsed, ...plan },
    { ...dialectContext(devices), stateDirectory: '/nonexistent', ...context },
  );
}
