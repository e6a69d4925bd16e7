import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import fc from 'fast-check';
import modbusSerial from 'modbus-serial';
import { decodeAnswer } from '../../../connectors/modbus/protocol/answer.ts';
import { findMismatch } from '../../../connectors/modbus/protocol/answer-check.ts';
import { withCrc } from '../../../connectors/modbus/protocol/crc.ts';
import { encodeRequest } from '../../../connectors/modbus/protocol/encode-request.ts';
import { answerDataBytes, isRead, type Request } from '../../../connectors/modbus/protocol/request.ts';

type Settle = (error: Error | null, result: { data?: boolean[]; buffer?: Buffer } | undefined) => void;
type Library = Readonly<Record<string, (...parts: unknown[]) => void>>;

/** modbus-serial with a port that keeps what is written; answers come when we say so. */
class Oracle extends EventEmitter {
  readonly isOpen = true;
  written: Buffer = Buffer.alloc(0);
  readonly #client: Library;

  constructor() {
    super();
    // The package's default export is the class at run time, whatever its typings say under `nodenext`.
    this.#client = new (modbusSerial as unknown as new (port: Oracle) => Library)(this);
    this.#client.open?.(() => {});
  }

  open(opened: () => void): void {
    opened();
  }

  write(frame: Buffer): void {
    this.written = frame;
  }

  /** The frame that the library makes of a request, and what it makes of the answer. */
  ask(request: Request, answer: Buffer): { readonly frame: string; readonly result: unknown } {
    let result: unknown;
    this.#client[`writeFC${request.function}`]?.(request.unit, ...partsOf(request), ((error, found) => {
      result =
        error ?? (request.function <= 2 ? found?.data : request.function <= 4 ? found?.buffer?.toString('hex') : 'written');
    }) satisfies Settle);
    this.emit('data', withCrc(answer));
    return { frame: this.written.toString('hex'), result };
  }
}

function partsOf(request: Request): readonly unknown[] {
  switch (request.function) {
    case 5:
    case 6:
      return [request.address, request.value];
    case 15:
      return [request.address, request.values];
    case 16:
      return [request.address, request.registers];
    case 22:
      return [request.address, request.and, request.or];
    case 23:
    case 43:
      return [];
    default:
      return [request.address, request.count];
  }
}

/** What a device answers: so much of `data` as was asked for, or the confirmation of a write. */
function answerRequest(request: Request, data: Uint8Array): Buffer {
  if (!isRead(request)) return encodeRequest(request).subarray(0, request.function === 22 ? 8 : 6);
  const bytes = answerDataBytes(request);
  return Buffer.concat([Buffer.of(request.unit, request.function, bytes), data.subarray(0, bytes)]);
}

const unit = fc.integer({ min: 1, max: 247 });
const address = fc.integer({ min: 0, max: 60_000 });
const word = fc.integer({ min: 0, max: 65_535 });
const registers = (max: number) =>
  fc.array(word, { minLength: 1, maxLength: max }).map((words) => Buffer.from(Uint16Array.from(words).buffer));
const requests: fc.Arbitrary<Request> = fc.oneof(
  fc.record({ function: fc.constantFrom(1 as const, 2 as const), unit, address, count: fc.integer({ min: 1, max: 2_000 }) }),
  fc.record({ function: fc.constantFrom(3 as const, 4 as const), unit, address, count: fc.integer({ min: 1, max: 125 }) }),
  fc.record({ function: fc.constant(5 as const), unit, address, value: fc.boolean() }),
  fc.record({ function: fc.constant(6 as const), unit, address, value: word }),
  fc.record({
    function: fc.constant(15 as const),
    unit,
    address,
    values: fc.array(fc.boolean(), { minLength: 1, maxLength: 1_968 }),
  }),
  fc.record({ function: fc.constant(16 as const), unit, address, registers: registers(123) }),
  fc.record({ function: fc.constant(22 as const), unit, address, and: word, or: word }),
);

describe('the Modbus PDU codec beside modbus-serial', () => {
  it('makes the same frames and understands the same answers', () => {
    const oracle = new Oracle();
    fc.assert(
      fc.property(requests, fc.uint8Array({ minLength: 250, maxLength: 250 }), (request, data) => {
        const answer = answerRequest(request, data);
        const { frame, result } = oracle.ask(request, answer);
        assert.equal(withCrc(encodeRequest(request)).toString('hex'), frame);
        assert.equal(findMismatch(request, answer), undefined);
        const ours = decodeAnswer(request, answer);
        const shown = Buffer.isBuffer(ours) ? ours.toString('hex') : ours;
        // The library gives the bits that fill the last byte, too.
        assert.deepEqual(shown, Array.isArray(result) && Array.isArray(shown) ? result.slice(0, shown.length) : result);
      }),
      { numRuns: 2_000 },
    );
  });
});
