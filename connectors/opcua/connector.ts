import type { CreateConnector } from '../../src/southbound/connector.ts';

export const createConnector: CreateConnector = () => {
  throw new Error('not yet');
};
