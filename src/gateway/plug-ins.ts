import { EMPTY } from 'rxjs';
import { connectors } from '../../connectors/index.ts';
import type { Declarations } from '../model/declaration.ts';
import { describePoints } from '../model/describe-points.ts';
import { GatewayError } from '../model/error.ts';
import type { ConnectionPlan, DevicePlan, GatewayPlan, HubPlan } from '../model/plan.ts';
import type { Point } from '../model/point.ts';
import type { PointDescription } from '../model/point-description.ts';
import type { Dialect, DialectContext } from '../northbound/dialect.ts';
import { dialects } from '../northbound/dialects/index.ts';
import { operators } from '../pipeline/operators/index.ts';
import { systemClock } from '../runtime/clock.ts';
import { silentLog } from '../runtime/log.ts';
import type { Connector, ConnectorContext } from '../southbound/connector.ts';
import type { ConnectorTools } from '../southbound/tools.ts';

/** Everything a configuration file may name. */
export const declarations: Declarations = { protocols: connectors, operators, dialects };

/** The connector of a connection, loaded now and not before: a protocol that nobody uses costs nothing. */
export async function openConnector(
  connection: ConnectionPlan,
  gatewayId: string,
  context: Omit<ConnectorContext, 'gatewayId'>,
): Promise<Connector> {
  const definition = connectors.find(({ protocol }) => protocol === connection.protocol);
  if (definition === undefined) throw new GatewayError('BUG', connection.name, `no connector speaks ${connection.protocol}`);
  const create = await definition.load();
  return create(connection, { ...context, gatewayId });
}

/** Whether what comes over the connection was stamped by the devices themselves. */
export function hasDeviceTimes(connection: ConnectionPlan | undefined): boolean {
  return connectors.find(({ protocol }) => protocol === connection?.protocol)?.hasDeviceTimes === true;
}

/** How often a reading of the point is due, milliseconds; `undefined` where nobody can know. */
export function dueEveryMs(point: Point, connection: ConnectionPlan | undefined): number | undefined {
  if (point.address === undefined || point.access === 'write') return undefined;
  return connectors.find(({ protocol }) => protocol === connection?.protocol)?.dueEveryMs?.(point as never);
}

/** The tools of a protocol, loaded now and not before; empty where it has none. */
export async function loadTools(protocol: string): Promise<ConnectorTools> {
  const definition = connectors.find((each) => each.protocol === protocol);
  if (definition !== undefined) return (await definition.tools?.()) ?? {};
  const known = connectors.map((each) => each.protocol).join(', ');
  throw new GatewayError('USAGE', protocol, `there is no protocol ${protocol}; there are ${known}`);
}

/** How a configured hub is spoken to; its dialect is loaded now and not before. */
export async function createDialect(
  plan: HubPlan,
  gatewayPlan: GatewayPlan,
  context: Omit<DialectContext, 'gateway' | 'devices' | 'describe'>,
): Promise<Dialect> {
  const definition = dialects.find(({ dialect }) => dialect === plan.dialect);
  if (definition === undefined) throw new GatewayError('BUG', plan.name, `no dialect is named ${plan.dialect}`);
  const create = await definition.load();
  const { gateway, devices } = gatewayPlan;
  return create(plan, { ...context, gateway, devices, describe: (device) => describeDevice(device, gatewayPlan) });
}

/** What a device sends, as far as its mapping tells. */
export function describeDevice(device: DevicePlan, { connections }: GatewayPlan): readonly PointDescription[] {
  const connection = connections.find(({ name }) => name === device.connection);
  const protocol = connectors.find((each) => each.protocol === connection?.protocol);
  return describePoints(device, protocol ?? {}, operators);
}

/** How every hub of a configuration is spoken to, for tools that send nothing; by the name of the hub. */
export async function dialectsOf(plan: GatewayPlan, stateDirectory = ''): Promise<ReadonlyMap<string, Dialect>> {
  const context = {
    version: '',
    clock: systemClock,
    log: silentLog,
    stateDirectory,
    latest: () => undefined,
    resolved: EMPTY,
  };
  return new Map(await Promise.all(plan.hubs.map(async (hub) => [hub.name, await createDialect(hub, plan, context)] as const)));
}
