import { asciiLineFraming } from './ascii-line-framing.ts';
import { FaultyOutlet } from './faulty-outlet.ts';
import type { LineFraming } from './line-framing.ts';
import { answerPdu } from './modbus-answer.ts';
import type { SimulatedModbusDevice } from './modbus-device.ts';
import { type Fault, FaultSwitch } from './modbus-faults.ts';
import { rtuLineFraming } from './rtu-line-framing.ts';
import { startTcpServer, type TcpServer } from './tcp-server.ts';
import { socketWire, type Wire } from './wire.ts';

export interface ModbusLine {
  readonly faults: FaultSwitch;
  /** Whether the adapter sends back at once what it was given. */
  echo: boolean;
  /** Frames with a wrong checksum and bytes that were no request. */
  badRequests: number;
}

export interface ModbusLineOptions {
  /** By unit number. A unit that is not on the line is silent. */
  readonly units: ReadonlyMap<number, SimulatedModbusDevice>;
  readonly faults?: FaultSwitch;
  /** Default: `rtu`. */
  readonly framing?: 'rtu' | 'ascii';
  /** Monotonic milliseconds, by which a rest of a request is told to be old. */
  readonly nowMs?: () => number;
}

const FRAMINGS = { rtu: rtuLineFraming, ascii: asciiLineFraming };

/** Several units on one line, each looking at every request: Modbus over Serial Line V1.02, section 2.5. */
export function attachModbusLine(wire: Wire, options: ModbusLineOptions): ModbusLine {
  const { faults = new FaultSwitch(), framing: name = 'rtu', nowMs: clock = () => performance.now() } = options;
  const framing = FRAMINGS[name];
  const line: ModbusLine = { faults, echo: false, badRequests: 0 };
  const answerer = new Answerer(new FaultyOutlet(wire), { ...options, faults, framing });
  let waiting: Buffer = Buffer.alloc(0);
  let lastByteMs = 0;
  wire.listen((bytes) => {
    if (line.echo) wire.send(bytes);
    const nowMs = clock();
    waiting = nowMs - lastByteMs > framing.forgetAfterMs ? bytes : Buffer.concat([waiting, bytes]);
    lastByteMs = nowMs;
    for (let taken = framing.take(waiting); taken !== undefined; taken = framing.take(waiting)) {
      const frame = waiting.subarray(0, taken.bytes);
      waiting = waiting.subarray(taken.bytes);
      if (taken.body === undefined) line.badRequests += 1;
      else answerer.answer(frame, taken.body);
    }
  });
  return line;
}

/** The same frames on TCP connections, as a transparent converter has them. */
export async function startModbusLineServer(
  options: ModbusLineOptions & { readonly port: number },
): Promise<TcpServer & { readonly faults: FaultSwitch }> {
  const { port, faults = new FaultSwitch() } = options;
  const server = await startTcpServer(port, (socket) => attachModbusLine(socketWire(socket), { ...options, faults }));
  return Object.assign(server, { faults });
}

/** A unit that a second master talks to. */
const FOREIGN_UNIT = 0xf1;
const FOREIGN_REQUEST = Buffer.of(FOREIGN_UNIT, 3, 0, 0, 0, 1);
const FOREIGN_ANSWER = Buffer.of(FOREIGN_UNIT, 3, 2, 0xde, 0xad);

interface Answering {
  readonly units: ModbusLineOptions['units'];
  readonly faults: FaultSwitch;
  readonly framing: LineFraming;
}

class Answerer {
  readonly #outlet: FaultyOutlet;
  readonly #line: Answering;

  constructor(outlet: FaultyOutlet, line: Answering) {
    this.#outlet = outlet;
    this.#line = line;
  }

  /** `frame`: the request as it came; `body`: unit and PDU in it. */
  answer(frame: Buffer, body: Buffer): void {
    const { units, faults } = this.#line;
    const [unit, pdu] = [body.readUInt8(0), body.subarray(1)];
    if (unit === 0) {
      for (const device of units.values()) device.answer(pdu);
      return;
    }
    const device = units.get(unit);
    if (device === undefined) return;
    const fault = faults.next(unit, pdu.readUInt8(0));
    if (this.#outlet.refuse(frame, fault)) return;
    const answered = answerPdu(device, pdu, fault);
    if (answered !== undefined) this.#outlet.send(this.#onTheLine(this.#frameOf(unit, answered, fault), fault), fault);
  }

  #frameOf(unit: number, pdu: Buffer, fault: Fault | undefined): Buffer {
    const { framing } = this.#line;
    const frame = framing.frame(Buffer.concat([Buffer.of(fault?.kind === 'wrong-unit' ? unit ^ 0x10 : unit), pdu]));
    return fault?.kind === 'bad-crc' ? framing.spoil(frame) : frame;
  }

  #onTheLine(frame: Buffer, fault: Fault | undefined): Buffer {
    const { framing } = this.#line;
    const [request, answer] = [framing.frame(FOREIGN_REQUEST), framing.frame(FOREIGN_ANSWER)];
    if (fault?.kind === 'second-master') return Buffer.concat([request, answer, frame]);
    if (fault?.kind !== 'collision') return frame;
    return Buffer.from(frame.map((byte, index) => byte & (request[index] ?? 0xff)));
  }
}
