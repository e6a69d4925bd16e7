import assert from 'node:assert/strict';
import { encodeRequest } from '../../../connectors/modbus/encode-request.ts';
import type { Request } from '../../../connectors/modbus/request.ts';
import { hasGoodCrc, withCrc } from '../../../src/simulator/crc16.ts';
import { SimulatedModbusDevice } from '../../../src/simulator/modbus-device.ts';
import { addressMemory, type ModbusMemory } from '../../../src/simulator/modbus-memory.ts';
import { attachModbusRtuLine } from '../../../src/simulator/modbus-rtu-line.ts';
import { attachModbusTcp } from '../../../src/simulator/modbus-tcp-server.ts';
import type { Wire } from '../../../src/simulator/wire.ts';
import { type Mutation, mutate } from '../../support/mutation.ts';
import { applyWrite } from './write-model.ts';

export type Framing = 'modbus-tcp' | 'modbus-rtu';

const UNITS = [1, 2, 247] as const;

const TEMPLATE = addressMemory();

function freshMemory(): ModbusMemory {
  const { coil, discrete, input, holding } = TEMPLATE;
  return { coil: coil.slice(), discrete: discrete.slice(), input: input.slice(), holding: holding.slice() };
}

/** The simulator's server on a wire that is memory, and beside it what its devices must hold. */
export class FuzzedServer {
  answered = 0;
  reached = 0;
  readonly #framing: Framing;
  readonly #devices = new Map(UNITS.map((unit) => [unit as number, new SimulatedModbusDevice({ memory: freshMemory() })]));
  readonly #expected = new Map<number, ModbusMemory>(UNITS.map((unit) => [unit, freshMemory()]));
  #nowMs = 0;
  #toServer: (bytes: Buffer) => void = () => {};
  #sent: Buffer[] = [];
  #isReset = false;
  /** What came since the connection was opened. */
  #stream: Buffer = Buffer.alloc(0);

  constructor(framing: Framing) {
    this.#framing = framing;
    this.#open();
  }

  send(bytes: Buffer): void {
    if (this.#isReset) this.#open();
    const before = new Map([...this.#devices].map(([unit, device]) => [unit, device.requestCount]));
    this.#stream = Buffer.concat([this.#stream, bytes]);
    if (this.#framing === 'modbus-rtu') this.#stream = this.#stream.subarray(-2_048);
    this.#toServer(Buffer.from(bytes));
    for (const [unit, device] of this.#devices) this.#follow(unit, device, device.requestCount - (before.get(unit) ?? 0));
    for (const answer of this.#sent.splice(0)) this.#checkAnswer(answer);
  }

  /** Whatever came before: after a moment a whole request is answered, and with the right registers. */
  recover(request: Request, isTrue: (answer: Buffer) => boolean): void {
    this.#nowMs += 1_000;
    if (this.#framing === 'modbus-tcp') this.#open();
    this.#toServer(this.frame(request));
    const [answer] = this.#sent.splice(0);
    assert.ok(answer !== undefined && isTrue(this.#framing === 'modbus-tcp' ? answer.subarray(6) : answer), String(answer));
  }

  /** `inside`: mutations of unit and PDU, before length or CRC are made. */
  frame(request: Request, inside: readonly Mutation[] = []): Buffer {
    const body = mutate(encodeRequest(request), inside);
    if (this.#framing === 'modbus-rtu') return withCrc(body);
    return Buffer.concat([Buffer.of(0x12, 0x34, 0, 0, body.length >> 8, body.length & 0xff), body]);
  }

  assertMemory(): void {
    for (const [unit, { memory }] of this.#devices) {
      const expected = this.#expected.get(unit);
      for (const table of ['coil', 'discrete', 'input', 'holding'] as const) {
        const differs = expected === undefined || Buffer.compare(bytesOf(memory[table]), bytesOf(expected[table])) !== 0;
        assert.ok(!differs, `unit ${unit} holds other ${table}s than were written`);
      }
    }
  }

  #open(): void {
    this.#isReset = false;
    this.#stream = Buffer.alloc(0);
    const wire: Wire = {
      listen: (onBytes) => {
        this.#toServer = onBytes;
      },
      send: (bytes) => void this.#sent.push(bytes),
      reset: () => {
        this.#isReset = true;
      },
      end: () => {},
      freeze: () => {},
    };
    if (this.#framing === 'modbus-tcp') attachModbusTcp(wire, { units: this.#devices });
    else attachModbusRtuLine(wire, { units: this.#devices, nowMs: () => this.#nowMs });
  }

  /** What has reached a unit was sent to it, and did there what it says. */
  #follow(unit: number, { requests }: SimulatedModbusDevice, count: number): void {
    for (const pdu of count === 0 ? [] : requests.slice(-count)) {
      this.reached += 1;
      assert.ok(this.#wasSentTo(unit, pdu), `${pdu.toString('hex')} has reached unit ${unit}, and nobody sent it`);
      const memory = this.#expected.get(unit);
      if (memory !== undefined) applyWrite(memory, pdu);
    }
  }

  #wasSentTo(unit: number, pdu: Buffer): boolean {
    if (this.#framing === 'modbus-tcp') return this.#stream.includes(Buffer.concat([Buffer.of(unit), pdu]));
    return [unit, 0].some((to) => this.#stream.includes(withCrc(Buffer.concat([Buffer.of(to), pdu]))));
  }

  #checkAnswer(answer: Buffer): void {
    this.answered += 1;
    const isTcp = this.#framing === 'modbus-tcp';
    assert.ok(
      isTcp ? answer.readUInt16BE(4) === answer.length - 6 && answer.length <= 260 : hasGoodCrc(answer),
      answer.toString('hex'),
    );
    const body = isTcp ? answer.subarray(6) : answer.subarray(0, -2);
    const code = body.readUInt8(1);
    if (code >= 0x80) assert.equal(body.length, 3);
    else if ([1, 2, 3, 4, 23].includes(code)) assert.equal(body.length, 3 + body.readUInt8(2));
    assert.ok(body.length <= 254);
  }
}

function bytesOf(table: Uint8Array | Uint16Array): Buffer {
  return Buffer.from(table.buffer, table.byteOffset, table.byteLength);
}
