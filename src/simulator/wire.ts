import type { Socket } from 'node:net';

/** Where bytes come from and go to: a TCP socket, or a serial line that can be unplugged. */
export interface Wire {
  listen(onBytes: (bytes: Buffer) => void): void;
  /** Does nothing where nobody listens any more. */
  send(bytes: Buffer): void;
  /** The three ends that a connection can come to; a serial line does nothing. */
  reset(): void;
  end(): void;
  /** Takes nothing and sends nothing any more, and does not tell. */
  freeze(): void;
}

export function socketWire(socket: Socket): Wire {
  let isFrozen = false;
  return {
    listen: (onBytes) => socket.on('data', onBytes),
    send: (bytes) => {
      if (socket.writable && !isFrozen) socket.write(bytes);
    },
    reset: () => socket.resetAndDestroy(),
    end: () => socket.end(),
    freeze: () => {
      isFrozen = true;
      socket.pause();
    },
  };
}
