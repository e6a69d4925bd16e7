import { SimulatedModbusDevice } from '../../src/simulator/modbus-device.ts';
import { emptyMemory } from '../../src/simulator/modbus-memory.ts';
import { startModbusTcpServer } from '../../src/simulator/modbus-tcp-server.ts';
import { tellReady } from '../harness/child.ts';

/** `plc.ts UNITS`: a Modbus TCP server whose registers keep what is written to them. */
const count = Number(process.argv[2]);
const units = Array.from(
  { length: count },
  (_, index) => [index + 1, new SimulatedModbusDevice({ memory: emptyMemory() })] as const,
);
const { port } = await startModbusTcpServer({ port: 0, units: new Map(units) });
tellReady({ port });
