import type { ConnectorTools } from '../../src/southbound/tools.ts';
import { decode } from './finding/decode.ts';
import { scan } from './finding/scan.ts';
import type { ModbusPlan } from './mapping/plan.ts';
import { requestPlan } from './planning/request-plan.ts';

/** What can be done at the command line with a connection of any of the Modbus protocols. */
export const tools: ConnectorTools = {
  plan: (connection) => requestPlan(connection as ModbusPlan),
  scan: (request) => scan(request),
  decode: (request) => decode(request),
};
