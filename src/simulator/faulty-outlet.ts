import type { Fault } from './modbus-faults.ts';
import type { Wire } from './wire.ts';

const NOISE = Buffer.of(0x00, 0xff, 0x55, 0xaa, 0x01);
const BABBLE_EVERY_MS = 5;

/** Bytes that go out together, so long after those before. */
interface Piece {
  readonly afterMs: number;
  readonly bytes: Buffer;
}

/** Sends the answers of one wire the way their faults let them through. */
export class FaultyOutlet {
  readonly #wire: Wire;
  #held: Buffer = Buffer.alloc(0);
  #isOver = false;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** The connection came to an end: requests that are still there are not done. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** What a fault makes of a request before any unit has seen it; whether that was all. */
  refuse(request: Buffer, fault: Fault | undefined): boolean {
    const end = endOf(this.#wire, fault);
    if (end !== undefined) {
      this.#isOver = true;
      end();
      return true;
    }
    switch (fault?.kind) {
      case 'echo':
        this.#wire.send(request);
        return true;
      case 'babble':
        this.#sendPieces(babble(fault.ms));
        return true;
      default:
        return false;
    }
  }

  /** A whole frame. */
  send(frame: Buffer, fault: Fault | undefined): void {
    const all = Buffer.concat([this.#held, frame]);
    this.#held = fault?.kind === 'glued' ? all : Buffer.alloc(0);
    if (fault?.kind !== 'glued') this.#sendPieces(piecesOf(all, fault));
  }

  #sendPieces(pieces: readonly Piece[]): void {
    let atMs = 0;
    for (const { afterMs, bytes } of pieces) {
      atMs += afterMs;
      if (atMs === 0) this.#wire.send(bytes);
      else setTimeout(() => this.#wire.send(bytes), atMs).unref();
    }
  }
}

function endOf(wire: Wire, fault: Fault | undefined): (() => void) | undefined {
  switch (fault?.kind) {
    case 'reset':
      return wire.reset;
    case 'ended':
      return wire.end;
    case 'half-open':
      return wire.freeze;
    default:
      return undefined;
  }
}

function piecesOf(frame: Buffer, fault: Fault | undefined): readonly Piece[] {
  switch (fault?.kind) {
    case 'late':
      return [{ afterMs: fault.ms, bytes: frame }];
    case 'cut':
      return [{ afterMs: 0, bytes: frame.subarray(0, -fault.bytes) }];
    case 'noise':
      return [{ afterMs: 0, bytes: withNoise(frame, fault.where, fault.bytes ?? NOISE) }];
    case 'duplicate':
      if (fault.afterMs === undefined) return [{ afterMs: 0, bytes: Buffer.concat([frame, frame]) }];
      return [0, fault.afterMs].map((afterMs) => ({ afterMs, bytes: frame }));
    case 'bytewise':
      return Array.from(frame, (byte, index) => ({ afterMs: index === 0 ? 0 : fault.gapMs, bytes: Buffer.of(byte) }));
    case 'flood':
      return [{ afterMs: 0, bytes: Buffer.concat([frame, Buffer.alloc(fault.bytes, NOISE)]) }];
    case 'wrong-speed':
      return [{ afterMs: 0, bytes: Buffer.from([...frame].flatMap(atTwiceTheSpeed)) }];
    default:
      return [{ afterMs: 0, bytes: frame }];
  }
}

function withNoise(frame: Buffer, where: 'before' | 'inside' | 'after', noise: Buffer): Buffer {
  const at = { before: 0, inside: frame.length >> 1, after: frame.length }[where];
  return Buffer.concat([frame.subarray(0, at), noise, frame.subarray(at)]);
}

function babble(ms: number): readonly Piece[] {
  const count = Math.max(1, Math.ceil(ms / BABBLE_EVERY_MS));
  return Array.from({ length: count }, (_, index) => ({ afterMs: index === 0 ? 0 : BABBLE_EVERY_MS, bytes: NOISE }));
}

/** Each bit is seen twice: the low and the high half of a byte become a byte each. */
function atTwiceTheSpeed(byte: number): readonly number[] {
  const widened = (half: number) => [0, 1, 2, 3].reduce((wide, bit) => wide | (((half >> bit) & 1) * (3 << (2 * bit))), 0);
  return [widened(byte & 0x0f), widened(byte >> 4)];
}
