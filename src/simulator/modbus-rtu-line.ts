import { hasGoodCrc, withCrc } from './crc16.ts';
import { FaultyOutlet } from './faulty-outlet.ts';
import { answerPdu } from './modbus-answer.ts';
import type { SimulatedModbusDevice } from './modbus-device.ts';
import { type Fault, FaultSwitch } from './modbus-faults.ts';
import { startTcpServer, type TcpServer } from './tcp-server.ts';
import { socketWire, type Wire } from './wire.ts';

export interface ModbusRtuLine {
  readonly faults: FaultSwitch;
  /** Whether the adapter sends back at once what it was given. */
  echo: boolean;
  /** Frames with a wrong CRC and bytes that were no request. */
  badRequests: number;
}

export interface ModbusRtuLineOptions {
  /** By unit number. A unit that is not on the line is silent. */
  readonly units: ReadonlyMap<number, SimulatedModbusDevice>;
  readonly faults?: FaultSwitch;
  /** Monotonic milliseconds, by which a rest of a request is told to be old. */
  readonly nowMs?: () => number;
}

/** A rest of a request that was not completed so soon is thrown away. */
const FORGET_AFTER_MS = 100;

/** Several units on one line, each looking at every request: Modbus over Serial Line V1.02, section 2.5.1. */
export function attachModbusRtuLine(wire: Wire, options: ModbusRtuLineOptions): ModbusRtuLine {
  const { units, faults = new FaultSwitch(), nowMs: clock = () => performance.now() } = options;
  const line: ModbusRtuLine = { faults, echo: false, badRequests: 0 };
  const outlet = new FaultyOutlet(wire);
  let waiting: Buffer = Buffer.alloc(0);
  let lastByteMs = 0;
  wire.listen((bytes) => {
    if (line.echo) wire.send(bytes);
    const nowMs = clock();
    waiting = nowMs - lastByteMs > FORGET_AFTER_MS ? bytes : Buffer.concat([waiting, bytes]);
    lastByteMs = nowMs;
    for (;;) {
      const length = requestLength(waiting);
      if (length === undefined || waiting.length < length) return;
      const request = waiting.subarray(0, length);
      if (!hasGoodCrc(request)) {
        line.badRequests += 1;
        waiting = Buffer.alloc(0);
        return;
      }
      waiting = waiting.subarray(length);
      answer(outlet, request, units, faults);
    }
  });
  return line;
}

/** The same frames on TCP connections, as a transparent converter has them. */
export async function startModbusRtuOverTcpServer(
  options: ModbusRtuLineOptions & { readonly port: number },
): Promise<TcpServer & { readonly faults: FaultSwitch }> {
  const { port, units, faults = new FaultSwitch() } = options;
  const server = await startTcpServer(port, (socket) => attachModbusRtuLine(socketWire(socket), { units, faults }));
  return Object.assign(server, { faults });
}

/** Bytes of the request that begins here, CRC included; `undefined`: not to be told yet. */
function requestLength(bytes: Buffer): number | undefined {
  const functionCode = bytes[1];
  if (functionCode === undefined) return undefined;
  const counted = (at: number): number | undefined => {
    const count = bytes[at];
    return count === undefined ? undefined : at + 1 + count + 2;
  };
  switch (functionCode) {
    case 15:
    case 16:
      return counted(6);
    case 23:
      return counted(10);
    case 22:
      return 10;
    case 43:
      return 7;
    case 7:
    case 11:
    case 12:
    case 17:
      return 4;
    default:
      return 8;
  }
}

function answer(outlet: FaultyOutlet, request: Buffer, units: ModbusRtuLineOptions['units'], faults: FaultSwitch): void {
  const [unit, pdu] = [request.readUInt8(0), request.subarray(1, -2)];
  if (unit === 0) {
    for (const device of units.values()) device.answer(pdu);
    return;
  }
  const device = units.get(unit);
  if (device === undefined) return;
  const fault = faults.next(unit, pdu.readUInt8(0));
  if (outlet.refuse(request, fault)) return;
  const answered = answerPdu(device, pdu, fault);
  if (answered !== undefined) outlet.send(onTheLine(frameOf(unit, answered, fault), fault), fault);
}

function frameOf(unit: number, pdu: Buffer, fault: Fault | undefined): Buffer {
  const frame = withCrc(Buffer.concat([Buffer.of(fault?.kind === 'wrong-unit' ? unit ^ 0x10 : unit), pdu]));
  if (fault?.kind === 'bad-crc') frame.writeUInt8(frame.readUInt8(frame.length - 1) ^ 0xff, frame.length - 1);
  return frame;
}

/** A unit that a second master talks to. */
const FOREIGN_UNIT = 0xf1;
const FOREIGN_REQUEST = withCrc(Buffer.of(FOREIGN_UNIT, 3, 0, 0, 0, 1));
const FOREIGN_ANSWER = withCrc(Buffer.of(FOREIGN_UNIT, 3, 2, 0xde, 0xad));

function onTheLine(frame: Buffer, fault: Fault | undefined): Buffer {
  if (fault?.kind === 'second-master') return Buffer.concat([FOREIGN_REQUEST, FOREIGN_ANSWER, frame]);
  if (fault?.kind !== 'collision') return frame;
  return Buffer.from(frame.map((byte, index) => byte & (FOREIGN_REQUEST[index] ?? 0xff)));
}
