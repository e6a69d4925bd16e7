import { loadTools } from '../gateway/plug-ins.ts';
import type { ConnectionPlan, GatewayPlan } from '../model/plan.ts';
import type { ConnectorTools } from '../southbound/tools.ts';
import { loadOneMapping } from './load-one-mapping.ts';

/** A connection of a mapping with the tools of its protocol. */
export interface EquippedConnection {
  readonly connection: ConnectionPlan;
  readonly tools: ConnectorTools;
}

export interface EquippedMapping {
  readonly plan: GatewayPlan;
  readonly connections: readonly EquippedConnection[];
}

/** A mapping and what can be done with its connections; `undefined` after telling on standard error what is wrong with it. */
export async function loadMappingTools(path: string): Promise<EquippedMapping | undefined> {
  const plan = await loadOneMapping(path);
  if (plan === undefined) return undefined;
  const equip = async (connection: ConnectionPlan) => ({ connection, tools: await loadTools(connection.protocol) });
  return { plan, connections: await Promise.all(plan.connections.map(equip)) };
}
