import assert from 'node:assert/strict';
import { asciiFraming } from '../../../connectors/modbus/protocol/ascii-framing.ts';
import { encodeRequest } from '../../../connectors/modbus/protocol/encode-request.ts';
import type { Request } from '../../../connectors/modbus/protocol/request.ts';
import { asciiLineFraming } from '../../../src/simulator/ascii-line-framing.ts';
import { hasGoodCrc } from '../../../src/simulator/crc16.ts';
import type { LineFraming } from '../../../src/simulator/line-framing.ts';
import { SimulatedModbusDevice } from '../../../src/simulator/modbus-device.ts';
import { attachModbusLine } from '../../../src/simulator/modbus-line.ts';
import { addressMemory, type ModbusMemory } from '../../../src/simulator/modbus-memory.ts';
import { attachModbusTcp } from '../../../src/simulator/modbus-tcp-server.ts';
import { rtuLineFraming } from '../../../src/simulator/rtu-line-framing.ts';
import type { Wire } from '../../../src/simulator/wire.ts';
import { isOnLine } from '../../connectors/modbus/fuzz/spec.ts';
import { type Mutation, mutate } from '../../support/mutation.ts';
import { applyWrite } from './write-model.ts';

export type Framing = 'modbus-tcp' | 'modbus-rtu' | 'modbus-ascii';

const LINES: Readonly<Partial<Record<Framing, LineFraming>>> = {
  'modbus-rtu': rtuLineFraming,
  'modbus-ascii': asciiLineFraming,
};

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
  /** `undefined`: TCP. */
  readonly #line: LineFraming | undefined;
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
    this.#line = LINES[framing];
    this.#open();
  }

  send(bytes: Buffer): void {
    if (this.#isReset) this.#open();
    const before = new Map([...this.#devices].map(([unit, device]) => [unit, device.requestCount]));
    this.#stream = Buffer.concat([this.#stream, bytes]);
    if (this.#line !== undefined) this.#stream = this.#stream.subarray(-2_048);
    this.#toServer(Buffer.from(bytes));
    for (const [unit, device] of this.#devices) this.#follow(unit, device, device.requestCount - (before.get(unit) ?? 0));
    for (const answer of this.#sent.splice(0)) this.#checkAnswer(answer);
  }

  /** Whatever came before: after a moment a whole request is answered, and with the right registers. */
  recover(request: Request, isTrue: (answer: Buffer) => boolean): void {
    this.#nowMs += 1_000;
    if (this.#line === undefined) this.#open();
    this.#toServer(this.frame(request));
    const [answer] = this.#sent.splice(0);
    assert.ok(answer !== undefined && isTrue(this.#bodyOf(answer)), String(answer));
  }

  /** `inside`: mutations of unit and PDU, before length or CRC are made. */
  frame(request: Request, inside: readonly Mutation[] = []): Buffer {
    const body = mutate(encodeRequest(request), inside);
    if (this.#line !== undefined) return this.#line.frame(body);
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
    if (this.#line === undefined) attachModbusTcp(wire, { units: this.#devices });
    else
      attachModbusLine(wire, {
        units: this.#devices,
        framing: this.#framing === 'modbus-rtu' ? 'rtu' : 'ascii',
        nowMs: () => this.#nowMs,
      });
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
    const line = this.#line;
    if (line === undefined) return this.#stream.includes(Buffer.concat([Buffer.of(unit), pdu]));
    const frames = [unit, 0].map((to) => line.frame(Buffer.concat([Buffer.of(to), pdu])));
    return frames.some((frame) => isOnLine(this.#stream, frame));
  }

  #bodyOf(answer: Buffer): Buffer {
    if (this.#framing === 'modbus-tcp') {
      assert.ok(answer.readUInt16BE(4) === answer.length - 6 && answer.length <= 260, answer.toString('hex'));
      return answer.subarray(6);
    }
    if (this.#framing === 'modbus-rtu') {
      assert.ok(hasGoodCrc(answer), answer.toString('hex'));
      return answer.subarray(0, -2);
    }
    const found = asciiFraming.find(answer);
    assert.equal(found?.bytes, answer.length, answer.toString('latin1'));
    return found.body;
  }

  #checkAnswer(answer: Buffer): void {
    this.answered += 1;
    const body = this.#bodyOf(answer);
    const code = body.readUInt8(1);
    if (code >= 0x80) assert.equal(body.length, 3);
    else if ([1, 2, 3, 4, 23].includes(code)) assert.equal(body.length, 3 + body.readUInt8(2));
    assert.ok(body.length <= 254);
  }
}

function bytesOf(table: Uint8Array | Uint16Array): Buffer {
  return Buffer.from(table.buffer, table.byteOffset, table.byteLength);
}
