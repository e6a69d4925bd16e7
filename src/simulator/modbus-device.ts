import { EXCEPTION, FUNCTIONS, type ModbusStore, WRITE_FUNCTIONS } from './modbus-functions.ts';
import { addressMemory, type ModbusMemory, type ModbusTable } from './modbus-memory.ts';

export interface SimulatedModbusDeviceOptions {
  /** Default: every register holds its own address. */
  readonly memory?: ModbusMemory;
  /** Holes: cells that the device does not have; both ends are included. Asked for one of them it answers exception 2. */
  readonly missing?: readonly { readonly table: ModbusTable; readonly from: number; readonly to: number }[];
  /** Most registers in one answer. Default: the standard's 125. */
  readonly maxRegisters?: number;
}

const KEPT_REQUESTS = 1_000;

/** One Modbus unit: memory and what the standard says to do with it. Knows nothing of sockets and lines. */
export class SimulatedModbusDevice implements ModbusStore {
  readonly memory: ModbusMemory;
  readonly maxRegisters: number;
  /** The newest requests (PDUs) that reached the unit, oldest first. */
  readonly requests: Buffer[] = [];
  requestCount = 0;
  writeCount = 0;
  readonly #missing: NonNullable<SimulatedModbusDeviceOptions['missing']>;

  constructor(options: SimulatedModbusDeviceOptions = {}) {
    this.memory = options.memory ?? addressMemory();
    this.maxRegisters = options.maxRegisters ?? 125;
    this.#missing = options.missing ?? [];
  }

  /** From request PDU to answer PDU, exceptions included. */
  answer(pdu: Buffer): Buffer {
    const [functionCode = 0] = pdu;
    this.#record(pdu);
    const run = FUNCTIONS[functionCode];
    const result = run === undefined ? EXCEPTION.illegalFunction : run(this, pdu.subarray(1));
    if (typeof result === 'number') return exceptionPdu(functionCode, result);
    if (WRITE_FUNCTIONS.includes(functionCode)) this.writeCount += 1;
    return Buffer.concat([Buffer.of(functionCode), result]);
  }

  readonly has = (table: ModbusTable, address: number, quantity: number): boolean => {
    const last = address + quantity - 1;
    if (last > 65_535) return false;
    return !this.#missing.some((hole) => hole.table === table && hole.from <= last && hole.to >= address);
  };

  #record(pdu: Buffer): void {
    this.requestCount += 1;
    this.requests.push(Buffer.from(pdu));
    if (this.requests.length > KEPT_REQUESTS) this.requests.shift();
  }
}

export function exceptionPdu(functionCode: number, code: number): Buffer {
  return Buffer.of(functionCode | 0x80, code);
}
