import type { GatewayIdentity } from '../../src/model/plan.ts';
import type { Dialect, TwinLabels } from '../../src/northbound/dialect.ts';
import { mqtt } from '../../src/northbound/dialects/mqtt/definition.ts';

export const GATEWAY: GatewayIdentity = { id: 'gw-01', labels: { site: 'plant-a' } };
export const TWINS: ReadonlyMap<string, TwinLabels> = new Map([
  ['press-07', { site: 'plant-a', line: 'l3' }],
  ['press-08', { site: 'plant-a', line: 'l3' }],
]);

/** The `mqtt` dialect with settings as a person writes them. */
export function mqttDialect(settings: Readonly<Record<string, unknown>> = {}, twins = TWINS): Dialect {
  const parsed = mqtt.settings.parse({ url: 'mqtt://127.0.0.1', ...settings });
  return mqtt.create({ name: 'cloud', dialect: 'mqtt', settings: parsed }, GATEWAY, twins);
}
