import { EventEmitter } from 'node:events';
import modbusSerial from 'modbus-serial';
import { GatewayError } from '../../src/model/error.ts';
import { isRead, type Request } from './request.ts';

type Settle = (error: Error | null, result: unknown) => void;

/** The part of the library that is used. */
interface Client {
  open(opened: () => void): void;
  writeFC1(unit: number, address: number, count: number, next: Settle): void;
  writeFC2(unit: number, address: number, count: number, next: Settle): void;
  writeFC3(unit: number, address: number, count: number, next: Settle): void;
  writeFC4(unit: number, address: number, count: number, next: Settle): void;
  writeFC5(unit: number, address: number, value: boolean, next: Settle): void;
  writeFC6(unit: number, address: number, value: number, next: Settle): void;
  writeFC15(unit: number, address: number, values: readonly boolean[], next: Settle): void;
  writeFC16(unit: number, address: number, registers: Buffer, next: Settle): void;
}

/** The package's default export is the class at run time, whatever its typings say under `nodenext`. */
const createClient = (port: CodecPort) => new (modbusSerial as unknown as new (port: CodecPort) => Client)(port);

const READ_WITH = { 1: 'writeFC1', 2: 'writeFC2', 3: 'writeFC3', 4: 'writeFC4' } as const;

/** What came back: registers as on the wire, bits, or the confirmation of a write. */
export type Answer = Buffer | readonly boolean[] | 'written';

export interface Encoded {
  /** RTU frame with CRC. */
  readonly frame: Buffer;
  /** Takes an RTU frame with CRC that was checked against the request. Throws DEVICE_EXCEPTION, the exception's number in its cause. */
  decode(frame: Buffer): Answer;
}

/** The port that modbus-serial is given: it keeps what the library writes, and answers come when we say so. */
class CodecPort extends EventEmitter {
  readonly isOpen = true;
  written: Buffer = Buffer.alloc(0);

  open(opened: () => void): void {
    opened();
  }

  write(frame: Buffer): void {
    this.written = frame;
  }
}

/** modbus-serial in the role of a codec: it encodes requests and decodes answers, and never sees a socket. One request at a time. */
export class LibraryCodec {
  readonly #port = new CodecPort();
  readonly #client = createClient(this.#port);

  constructor() {
    this.#client.open(() => {});
  }

  encode(request: Request): Encoded {
    let settled: { readonly error: Error | null; readonly result: unknown } | undefined;
    this.#send(request, (error, result) => {
      settled = { error, result };
    });
    return {
      frame: this.#port.written,
      decode: (frame) => {
        this.#port.emit('data', frame);
        if (settled === undefined)
          throw new GatewayError('DEVICE_BAD_FRAME', `unit ${request.unit}`, 'the answer was not understood');
        if (settled.error !== null) throw translate(settled.error, request);
        return toAnswer(request, settled.result);
      },
    };
  }

  #send(request: Request, next: Settle): void {
    const client = this.#client;
    const { unit, address } = request;
    if (isRead(request)) client[READ_WITH[request.function]](unit, address, request.count, next);
    else if (request.function === 5) client.writeFC5(unit, address, request.value, next);
    else if (request.function === 6) client.writeFC6(unit, address, request.value, next);
    else if (request.function === 15) client.writeFC15(unit, address, request.values, next);
    else client.writeFC16(unit, address, request.registers, next);
  }
}

function toAnswer(request: Request, result: unknown): Answer {
  if (request.function <= 2) return (result as { data: boolean[] }).data;
  return request.function <= 4 ? (result as { buffer: Buffer }).buffer : 'written';
}

function translate(error: Error, request: Request): GatewayError {
  const subject = `unit ${request.unit}`;
  const number = exceptionNumber(error);
  if (number === undefined) return new GatewayError('DEVICE_BAD_FRAME', subject, error.message, { cause: error });
  const code = number === 5 || number === 6 ? 'DEVICE_BUSY' : 'DEVICE_EXCEPTION';
  const message = `exception ${number} to function ${request.function} at address ${request.address}`;
  return new GatewayError(code, subject, message, { cause: error });
}

/** The number of a Modbus exception (section 7 of the standard), from the error or from its cause. */
export function exceptionNumber(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('modbusCode' in error && typeof error.modbusCode === 'number') return error.modbusCode;
  return error instanceof GatewayError ? exceptionNumber(error.cause) : undefined;
}
