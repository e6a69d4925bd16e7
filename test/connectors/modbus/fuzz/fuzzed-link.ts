import assert from 'node:assert/strict';
import { decodeAnswer } from '../../../../connectors/modbus/protocol/answer.ts';
import { encodeRequest } from '../../../../connectors/modbus/protocol/encode-request.ts';
import type { Request } from '../../../../connectors/modbus/protocol/request.ts';
import { GatewayError } from '../../../../src/model/error.ts';
import { asciiLineFraming } from '../../../../src/simulator/ascii-line-framing.ts';
import type { LineFraming } from '../../../../src/simulator/line-framing.ts';
import { rtuLineFraming } from '../../../../src/simulator/rtu-line-framing.ts';
import { FuzzClock, turn } from '../../../support/fuzz-clock.ts';
import { mutate } from '../../../support/mutation.ts';
import { type Damage, isOutsideOnly, undamaged } from './damage.ts';
import { type MemoryWire, memoryWire, TIMEOUT_MS } from './memory-wire.ts';
import { answersOnConnection, DEVICES, isOnLine, isTrue, mayAnswer } from './spec.ts';

export type Framing = 'modbus-tcp' | 'modbus-rtu' | 'modbus-ascii';

const LINES: Readonly<Partial<Record<Framing, LineFraming>>> = {
  'modbus-rtu': rtuLineFraming,
  'modbus-ascii': asciiLineFraming,
};

/** Of answers that were taken or not. */
export interface Figures {
  accepted: number;
  refused: number;
  exceptions: number;
  /** Wrong values in a frame that nobody could doubt: the device itself said so. */
  lied: number;
  /** Of these, damaged on the line in such a way that the checksum fits again: of those whose other bytes fit one in 65 536 with a CRC, in 256 with an LRC. */
  sumsByChance: number;
}

/** Time-out, late windows, and the same again where the adapter may echo: settled by then. */
const SETTLED_WITHIN_MS = 20 * TIMEOUT_MS;
/** Nothing older can be part of an answer. */
const KEPT_LINE_BYTES = 8_192;

/** One gateway, as it asks a device whose answers are damaged. */
export class FuzzedLink {
  readonly figures: Figures = { accepted: 0, refused: 0, exceptions: 0, lied: 0, sumsByChance: 0 };
  readonly #framing: Framing;
  readonly #line: LineFraming | undefined;
  readonly #clock = new FuzzClock();
  #link: MemoryWire;
  /** What came since the connection was opened. */
  #stream: Buffer = Buffer.alloc(0);
  #transaction = 0;

  constructor(framing: Framing) {
    this.#framing = framing;
    this.#line = LINES[framing];
    this.#link = memoryWire(framing, this.#clock);
  }

  async exchange(damage: Damage): Promise<void> {
    const settled = await this.#ask(damage);
    if (Buffer.isBuffer(settled)) this.#judge(damage, settled);
    else this.figures.refused += 1;
  }

  /** A device that is well again is read rightly again: what is still on the way costs two transactions at most. */
  async recover(wanted: Request): Promise<void> {
    for (let tries = 0; tries < 3; tries += 1) {
      const settled = await this.#ask(undamaged(wanted));
      if (!Buffer.isBuffer(settled)) continue;
      assert.ok(isTrue(wanted, settled), `a wrong value from a device that is well: ${settled.toString('hex')}`);
      return;
    }
    assert.fail(`not in step again: ${JSON.stringify(wanted)}`);
  }

  async #ask(damage: Damage): Promise<Buffer | GatewayError> {
    if (this.#link.isLost) this.#open();
    const startedMs = this.#clock.monotonicMs();
    let settled: Buffer | GatewayError | undefined;
    const settle = (outcome: Buffer | GatewayError) => {
      settled = outcome;
    };
    this.#link.wire.exchange(damage.request).then(settle, settle);
    while (settled === undefined) {
      await turn();
      const sent = this.#link.takeSent();
      if (sent.length > 0) await this.#answer(sent, damage);
      else if (settled === undefined) assert.ok(await this.#clock.jump(), 'waits for ever');
      assert.ok(this.#clock.monotonicMs() - startedMs < SETTLED_WITHIN_MS, 'not settled in time');
    }
    assert.ok(Buffer.isBuffer(settled) || settled instanceof GatewayError, String(settled));
    return settled;
  }

  #open(): void {
    this.#link = memoryWire(this.#framing, this.#clock);
    this.#stream = Buffer.alloc(0);
  }

  async #answer(sent: Buffer, { exception, inside, outside, strays, pieces, gapMs }: Damage): Promise<void> {
    const isTcp = this.#line === undefined;
    this.#transaction = isTcp ? sent.readUInt16BE(0) : 0;
    const [before, behind] = strays.map((stray) => (stray === undefined ? Buffer.alloc(0) : this.#stray(stray)));
    const asked = this.#line === undefined ? sent.subarray(6) : (this.#line.take(sent)?.body ?? Buffer.alloc(0));
    const body = mutate(exception === undefined ? answerTo(asked) : refusal(asked, exception), inside);
    const whole = [before, this.#frame(this.#transaction, body), behind].filter((part) => part !== undefined);
    const bytes = mutate(Buffer.concat(whole), outside);
    const size = Math.max(1, Math.ceil(bytes.length / pieces));
    for (let at = 0; at < bytes.length; at += size) {
      if (at > 0 && gapMs > 0) await this.#clock.advance(gapMs);
      this.#stream = Buffer.concat([this.#stream, bytes.subarray(at, at + size)]);
      if (!isTcp) this.#stream = this.#stream.subarray(-KEPT_LINE_BYTES);
      this.#link.deliver(bytes.subarray(at, at + size));
    }
  }

  /** The answer to another request, of another transaction. */
  #stray(request: Request): Buffer {
    return this.#frame(this.#transaction ^ 1, answerTo(encodeRequest(request)));
  }

  #frame(transaction: number, body: Buffer): Buffer {
    if (this.#line !== undefined) return this.#line.frame(body);
    const header = Buffer.alloc(6);
    header.writeUInt16BE(transaction, 0);
    header.writeUInt16BE(body.length, 4);
    return Buffer.concat([header, body]);
  }

  #judge(damage: Damage, body: Buffer): void {
    const { request } = damage;
    const what = () => `${JSON.stringify(request)} took ${body.toString('hex')}`;
    assert.ok(mayAnswer(request, body), what());
    assert.ok(this.#wasCarried(body), `${what()}, which nobody sent`);
    assertDecodes(request, body);
    this.figures.accepted += 1;
    if (((body[1] ?? 0) & 0x80) !== 0) this.figures.exceptions += 1;
    else if (!isTrue(request, body)) this.#countLie(damage);
  }

  #countLie(damage: Damage): void {
    this.figures.lied += 1;
    if (this.#line !== undefined && isOutsideOnly(damage)) this.figures.sumsByChance += 1;
  }

  #wasCarried(body: Buffer): boolean {
    if (this.#line !== undefined) return isOnLine(this.#stream, this.#line.frame(body));
    return answersOnConnection(this.#stream, this.#transaction).some((carried) => carried.equals(body));
  }
}

function answerTo(body: Buffer): Buffer {
  const unit = body.readUInt8(0);
  return Buffer.concat([Buffer.of(unit), DEVICES.get(unit)?.answer(body.subarray(1)) ?? Buffer.alloc(0)]);
}

function refusal(body: Buffer, code: number): Buffer {
  return Buffer.of(body.readUInt8(0), body.readUInt8(1) | 0x80, code);
}

function assertDecodes(request: Request, body: Buffer): void {
  try {
    decodeAnswer(request, body);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
  }
}
