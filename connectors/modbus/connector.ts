import { GatewayError } from '../../src/model/error.ts';
import type { ConnectorSession, CreateConnector } from '../../src/southbound/connector.ts';

export const createConnector: CreateConnector = (plan) => ({
  name: plan.name,
  open: async (): Promise<ConnectorSession> => {
    throw new GatewayError('LINK_REFUSED', plan.name, 'not yet wired');
  },
  status: () => ({ counters: {}, devices: {} }),
});
