import type { ConnectorTools } from '../../src/southbound/tools.ts';
import { decode } from './decode.ts';
import type { ModbusPlan } from './plan.ts';
import { requestPlan } from './request-plan.ts';
import { scan } from './scan.ts';

/** What can be done at the command line with a connection of any of the Modbus protocols. */
export const tools: ConnectorTools = {
  plan: (connection) => requestPlan(connection as ModbusPlan),
  scan: (request) => scan(request),
  decode: (request) => decode(request),
};
