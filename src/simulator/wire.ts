import type { Socket } from 'node:net';
import type { Fault } from './modbus-faults.ts';

/** Where bytes come from and go to: a TCP socket, or a serial line that can be unplugged. */
export interface Wire {
  listen(onBytes: (bytes: Buffer) => void): void;
  /** Does nothing where nobody listens any more. */
  send(bytes: Buffer): void;
  reset(): void;
}

export function socketWire(socket: Socket): Wire {
  return {
    listen: (onBytes) => socket.on('data', onBytes),
    send: (bytes) => {
      if (socket.writable) socket.write(bytes);
    },
    reset: () => socket.resetAndDestroy(),
  };
}

const NOISE = Buffer.of(0x00, 0xff, 0x55, 0xaa, 0x01);

/** Bytes that go out together, so long after those before. */
interface Piece {
  readonly afterMs: number;
  readonly bytes: Buffer;
}

/** Sends a whole frame the way `fault` lets it through. */
export function sendFrame(wire: Wire, frame: Buffer, fault: Fault | undefined): void {
  let atMs = 0;
  for (const { afterMs, bytes } of piecesOf(frame, fault)) {
    atMs += afterMs;
    if (atMs === 0) wire.send(bytes);
    else setTimeout(() => wire.send(bytes), atMs).unref();
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
      return [{ afterMs: 0, bytes: Buffer.concat([frame, frame]) }];
    case 'bytewise':
      return Array.from(frame, (byte, index) => ({ afterMs: index === 0 ? 0 : fault.gapMs, bytes: Buffer.of(byte) }));
    case 'flood':
      return [{ afterMs: 0, bytes: Buffer.concat([frame, Buffer.alloc(fault.bytes, NOISE)]) }];
    default:
      return [{ afterMs: 0, bytes: frame }];
  }
}

function withNoise(frame: Buffer, where: 'before' | 'inside' | 'after', noise: Buffer): Buffer {
  const at = { before: 0, inside: frame.length >> 1, after: frame.length }[where];
  return Buffer.concat([frame.subarray(0, at), noise, frame.subarray(at)]);
}
