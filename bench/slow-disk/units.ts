import { SimulatedModbusDevice } from '../../src/simulator/modbus-device.ts';
import { emptyMemory } from '../../src/simulator/modbus-memory.ts';
import { startModbusTcpServer } from '../../src/simulator/modbus-tcp-server.ts';
import { tellReady } from '../harness/child.ts';

/** `units.ts COUNT`: so many Modbus TCP servers of one unit, which note when each request came. Asked anything, they tell it once. */
class PolledUnit extends SimulatedModbusDevice {
  arrivals: number[] = [];

  override answer(pdu: Buffer): Buffer {
    this.arrivals.push(performance.now());
    return super.answer(pdu);
  }
}

const units = Array.from({ length: Number(process.argv[2]) }, () => new PolledUnit({ memory: emptyMemory() }));
const servers = await Promise.all(units.map((unit) => startModbusTcpServer({ port: 0, units: new Map([[1, unit]]) })));
process.on('message', () => {
  process.send?.(units.map((unit) => unit.arrivals));
  for (const unit of units) unit.arrivals = [];
});
tellReady({ ports: servers.map(({ port }) => port) });
