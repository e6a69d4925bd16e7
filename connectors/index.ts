import type { ConnectorDefinition } from '../src/southbound/connector.ts';
import { modbusAscii, modbusAsciiOverTcp, modbusRtu, modbusRtuOverTcp, modbusTcp } from './modbus/definition.ts';
import { opcua } from './opcua/definition.ts';

/** Every protocol the gateway speaks towards machines. One line each; nothing else has to change. */
export const connectors: readonly ConnectorDefinition[] = [
  modbusTcp,
  modbusRtu,
  modbusRtuOverTcp,
  modbusAscii,
  modbusAsciiOverTcp,
  opcua,
];
