import { EXCEPTION, exceptionPdu } from './modbus-exception.ts';
import { FUNCTIONS, type ModbusStore, WRITE_FUNCTIONS } from './modbus-functions.ts';
import { type ModbusIdentity, SIMULATED_IDENTITY } from './modbus-identity.ts';
import { addressMemory, type ModbusMemory, type ModbusTable } from './modbus-memory.ts';

export interface SimulatedModbusDeviceOptions {
  /** Default: every register holds its own address. */
  readonly memory?: ModbusMemory;
  readonly missing?: readonly Hole[];
  /** Most registers in one answer. Default: the standard's 125. */
  readonly maxRegisters?: number;
  /** Functions that the device knows; to others it answers exception 1. Default: all that are simulated. */
  readonly functions?: readonly number[];
  readonly identity?: ModbusIdentity;
  /** The program of the device: runs before each request is done. */
  readonly program?: (memory: ModbusMemory) => void;
}

/** Cells that a device does not have; both ends are included. Asked for one of them it answers exception 2. */
export interface Hole {
  readonly table: ModbusTable;
  readonly from: number;
  readonly to: number;
}

const KEPT_REQUESTS = 1_000;

/** One Modbus unit: memory and what the standard says to do with it. Knows nothing of sockets and lines. */
export class SimulatedModbusDevice implements ModbusStore {
  readonly memory: ModbusMemory;
  readonly maxRegisters: number;
  readonly identity: ModbusIdentity;
  /** May be changed while the device runs: its register map is another one then. */
  missing: readonly Hole[];
  /** The newest requests (PDUs) that reached the unit, oldest first. */
  readonly requests: Buffer[] = [];
  requestCount = 0;
  writeCount = 0;
  readonly #functions: readonly number[] | undefined;
  readonly #program: (memory: ModbusMemory) => void;

  constructor(options: SimulatedModbusDeviceOptions = {}) {
    this.memory = options.memory ?? addressMemory();
    this.maxRegisters = options.maxRegisters ?? 125;
    this.missing = options.missing ?? [];
    this.identity = options.identity ?? SIMULATED_IDENTITY;
    this.#functions = options.functions;
    this.#program = options.program ?? (() => {});
  }

  /** From request PDU to answer PDU, exceptions included. */
  answer(pdu: Buffer): Buffer {
    const [functionCode = 0] = pdu;
    this.#record(pdu);
    this.#program(this.memory);
    const run = this.#functions?.includes(functionCode) === false ? undefined : FUNCTIONS[functionCode];
    const result = run === undefined ? EXCEPTION.illegalFunction : run(this, pdu.subarray(1));
    if (typeof result === 'number') return exceptionPdu(functionCode, result);
    if (WRITE_FUNCTIONS.includes(functionCode)) this.writeCount += 1;
    return Buffer.concat([Buffer.of(functionCode), result]);
  }

  readonly has = (table: ModbusTable, address: number, quantity: number): boolean => {
    const last = address + quantity - 1;
    if (last > 65_535) return false;
    return !this.missing.some((hole) => hole.table === table && hole.from <= last && hole.to >= address);
  };

  #record(pdu: Buffer): void {
    this.requestCount += 1;
    // Not from the pool of Node, of which each of these would keep 64 KiB.
    const kept = Buffer.allocUnsafeSlow(pdu.length);
    pdu.copy(kept);
    this.requests.push(kept);
    if (this.requests.length > KEPT_REQUESTS) this.requests.shift();
  }
}
