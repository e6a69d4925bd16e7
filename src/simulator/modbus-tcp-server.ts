import { FaultyOutlet } from './faulty-outlet.ts';
import { absentUnitPdu, answerPdu } from './modbus-answer.ts';
import type { SimulatedModbusDevice } from './modbus-device.ts';
import { type Fault, FaultSwitch } from './modbus-faults.ts';
import { startTcpServer, type TcpServer } from './tcp-server.ts';
import { socketWire, type Wire } from './wire.ts';

export interface ModbusUnits {
  /** By unit number. Asked for another unit the server answers exception 11, as a converter does. */
  readonly units: ReadonlyMap<number, SimulatedModbusDevice>;
  readonly faults?: FaultSwitch;
}

export interface ModbusTcpServerOptions extends ModbusUnits {
  /** 0: any that is free. */
  readonly port: number;
  /** Connections that the device takes at a time; one more is reset. Default: any number. */
  readonly maxConnections?: number;
}

export interface ModbusTcpServer extends TcpServer {
  readonly faults: FaultSwitch;
}

/** Modbus Messaging on TCP/IP V1.0b, section 3.1.3: transaction, protocol, length of what follows, unit. */
const MBAP_BYTES = 7;
const MAX_LENGTH = 254;

export async function startModbusTcpServer(options: ModbusTcpServerOptions): Promise<ModbusTcpServer> {
  const { port, units, faults = new FaultSwitch(), maxConnections = Number.POSITIVE_INFINITY } = options;
  const server: TcpServer = await startTcpServer(port, (socket) => {
    if (server.connections > maxConnections) socket.resetAndDestroy();
    else attachModbusTcp(socketWire(socket), { units, faults });
  });
  return Object.assign(server, { faults });
}

/** Serves one connection. */
export function attachModbusTcp(wire: Wire, { units, faults = new FaultSwitch() }: ModbusUnits): void {
  const outlet = new FaultyOutlet(wire);
  let waiting: Buffer = Buffer.alloc(0);
  wire.listen((bytes) => {
    waiting = Buffer.concat([waiting, bytes]);
    while (waiting.length >= MBAP_BYTES && !outlet.isOver) {
      const length = waiting.readUInt16BE(4);
      if (waiting.readUInt16BE(2) !== 0 || length < 2 || length > MAX_LENGTH) return wire.reset();
      if (waiting.length < 6 + length) return;
      const request = waiting.subarray(0, 6 + length);
      waiting = waiting.subarray(6 + length);
      answer(outlet, request, units, faults);
    }
  });
}

function answer(outlet: FaultyOutlet, request: Buffer, units: ModbusUnits['units'], faults: FaultSwitch): void {
  const [unit, pdu] = [request.readUInt8(6), request.subarray(MBAP_BYTES)];
  const fault = faults.next(unit, pdu.readUInt8(0));
  if (outlet.refuse(request, fault)) return;
  const device = units.get(unit);
  const answered = device === undefined ? absentUnitPdu(pdu) : answerPdu(device, pdu, fault);
  if (answered !== undefined) outlet.send(frameOf(request.readUInt16BE(0), unit, answered, fault), fault);
}

function frameOf(transaction: number, unit: number, pdu: Buffer, fault: Fault | undefined): Buffer {
  const header = Buffer.alloc(MBAP_BYTES);
  header.writeUInt16BE(fault?.kind === 'wrong-transaction' ? transaction ^ 0x5555 : transaction, 0);
  header.writeUInt16BE(fault?.kind === 'wrong-protocol' ? 1 : 0, 2);
  header.writeUInt16BE(fault?.kind === 'lying-length' ? fault.length : pdu.length + 1, 4);
  header.writeUInt8(fault?.kind === 'wrong-unit' ? unit ^ 0x10 : unit, 6);
  return Buffer.concat([header, pdu]);
}
