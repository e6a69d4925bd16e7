import type { Point } from '../../src/model/point.ts';
import type { ConnectorDefinition } from '../../src/southbound/connector.ts';
import { checkPlan } from './mapping/check.ts';
import { eventSchema, methodSchema } from './mapping/features.ts';
import { connectionSchema, deviceSchema, type OpcuaPoint, type OpcuaSettings, pointSchema } from './mapping/settings.ts';

export const opcua: ConnectorDefinition = {
  protocol: 'opcua',
  hasDeviceTimes: true,
  summary: 'OPC UA servers over opc.tcp: subscriptions or polling, signed and encrypted, with writing',
  connection: connectionSchema,
  device: deviceSchema,
  point: pointSchema,
  dueEveryMs: ({ address, intervalMs }: Point<OpcuaPoint>) =>
    address.serverAggregate?.every ?? (address.read === 'poll' ? intervalMs : undefined),
  pattern: 'browse',
  event: eventSchema,
  method: methodSchema,
  endpoint: ({ url, user }: OpcuaSettings) => {
    const name = user !== undefined && 'name' in user ? `${user.name}@` : '';
    return url.map((one) => withPort(one).replace('opc.tcp://', `opc.tcp://${name}`)).join(' ');
  },
  check: checkPlan,
  tools: async () => (await import('./tools.ts')).tools,
  load: async () => (await import('./connector.ts')).createConnector,
};

/** One text for one endpoint: the host in lower case, the port written out, no slash at the end. */
function withPort(url: string): string {
  const [, host = '', port = '4840', path = ''] = /^opc\.tcp:\/\/(\[[^\]]+\]|[^:/]+)(?::(\d+))?(\/.*)?$/.exec(url) ?? [];
  return `opc.tcp://${host.toLowerCase()}:${port}${path.replace(/\/+$/, '')}`;
}
