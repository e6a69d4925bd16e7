import { GatewayError } from '../../../model/error.ts';
import type { GatewayIdentity, HubPlan } from '../../../model/plan.ts';
import type { Dialect, TwinLabels } from '../../dialect.ts';

export function createMqttDialect(plan: HubPlan, _gateway: GatewayIdentity, _twins: ReadonlyMap<string, TwinLabels>): Dialect {
  throw new GatewayError('BUG', plan.name, 'this dialect cannot be made yet');
}
