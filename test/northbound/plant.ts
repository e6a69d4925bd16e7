import { EMPTY } from 'rxjs';
import { describePoints } from '../../src/model/describe-points.ts';
import type { DevicePlan, GatewayIdentity } from '../../src/model/plan.ts';
import type { Dialect, DialectContext, TwinLabels } from '../../src/northbound/dialect.ts';
import { mqtt } from '../../src/northbound/dialects/mqtt/definition.ts';
import { createMqttDialect } from '../../src/northbound/dialects/mqtt/dialect.ts';
import type { PlainDialect } from '../../src/northbound/plain-dialect.ts';
import { operators } from '../../src/pipeline/operators/index.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';

export const GATEWAY: GatewayIdentity = { id: 'gw-01', labels: { site: 'plant-a' } };
export const TWINS: ReadonlyMap<string, TwinLabels> = new Map([
  ['press-07', { site: 'plant-a', line: 'l3' }],
  ['press-08', { site: 'plant-a', line: 'l3' }],
]);

/** A device without points. */
export function device(twin: string, labels: TwinLabels = {}): DevicePlan {
  const hubs = { telemetry: ['cloud'], property: ['cloud'], event: ['cloud'], gap: ['cloud'], status: ['cloud'] };
  return { twin, labels, connection: 'hall-3', settings: {}, points: [], hubs, message: { maxBytes: 4_000, maxAgeMs: 1_000 } };
}

/** What a dialect knows of a gateway that has read nothing yet. */
export function dialectContext(devices: readonly DevicePlan[]): DialectContext {
  const describe = (each: DevicePlan) => describePoints(each, {}, operators);
  const known = { gateway: GATEWAY, version: '1.2.3', devices, describe, resolved: EMPTY, stateDirectory: '' };
  return { ...known, latest: () => undefined, clock: systemClock, log: silentLog };
}

/** The `mqtt` dialect with settings as a person writes them. */
export function mqttDialect(settings: Readonly<Record<string, unknown>> = {}, twins = TWINS): PlainDialect & Dialect {
  const parsed = mqtt.settings.parse({ url: 'mqtt://127.0.0.1', ...settings });
  const devices = [...twins].map(([twin, labels]) => device(twin, labels));
  return createMqttDialect({ name: 'cloud', dialect: 'mqtt', settings: parsed }, dialectContext(devices));
}
