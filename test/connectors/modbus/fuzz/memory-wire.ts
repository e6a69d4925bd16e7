import { framingOf } from '../../../../connectors/modbus/protocol/framings.ts';
import { AnswerHistory } from '../../../../connectors/modbus/wire/answer-history.ts';
import type { BytePort } from '../../../../connectors/modbus/wire/byte-port.ts';
import { Inbox } from '../../../../connectors/modbus/wire/inbox.ts';
import { MbapWire } from '../../../../connectors/modbus/wire/mbap-wire.ts';
import type { Receiver } from '../../../../connectors/modbus/wire/receiver.ts';
import { SerialWire } from '../../../../connectors/modbus/wire/serial-wire.ts';
import type { SocketPort } from '../../../../connectors/modbus/wire/tcp-port.ts';
import type { Wire } from '../../../../connectors/modbus/wire/wire.ts';
import type { GatewayError } from '../../../../src/model/error.ts';
import { silentLog } from '../../../../src/runtime/log.ts';
import type { FuzzClock } from '../../../support/fuzz-clock.ts';

export const TIMEOUT_MS = 500;
export const LATE_WINDOW_MS = 125;

/** The wire layer of the connector on a port that is memory. This file alone knows how a wire is made. */
export interface MemoryWire {
  readonly wire: Wire;
  /** What the gateway has sent since this was asked last. */
  takeSent(): Buffer;
  /** As if it had come from the device. */
  deliver(bytes: Buffer): void;
  /** The connection was given up. */
  readonly isLost: boolean;
  counter(name: string): number;
}

/** What is handed over is overwritten afterwards, as the memory of a socket is. */
class MemoryPort {
  readonly lost = new Promise<GatewayError>(() => {});
  readonly #sent: Buffer[] = [];
  isLost = false;

  constructor() {
    this.write = this.write.bind(this);
  }

  write(bytes: Uint8Array): void {
    this.#sent.push(Buffer.from(bytes));
  }

  takeSent(): Buffer {
    return Buffer.concat(this.#sent.splice(0));
  }

  async close(): Promise<void> {}
}

export function memoryWire(protocol: 'modbus-tcp' | 'modbus-rtu' | 'modbus-ascii', clock: FuzzClock): MemoryWire {
  const counts = new Map<string, number>();
  const count = (name: string, by = 1): void => void counts.set(name, (counts.get(name) ?? 0) + by);
  const port = new MemoryPort();
  let receiver: Receiver | undefined;
  const socket: SocketPort = Object.assign(port, {
    isAsleep: false,
    wake: async () => {},
    listen: (listener: Receiver) => {
      receiver = listener;
    },
    fail: (error: GatewayError) => {
      if (port.isLost) return;
      port.isLost = true;
      receiver?.fail(error);
    },
  });
  const wire = protocol === 'modbus-tcp' ? overTcp(socket, clock, count) : overLine(protocol, socket, clock, count);
  return {
    wire,
    takeSent: () => port.takeSent(),
    deliver: (bytes) => {
      const shared = Buffer.from(bytes);
      receiver?.append(shared);
      shared.fill(0xee);
    },
    get isLost() {
      return port.isLost;
    },
    counter: (name) => counts.get(name) ?? 0,
  };
}

type CountAny = (name: string, by?: number) => void;

function overTcp(port: SocketPort, clock: FuzzClock, count: CountAny): Wire {
  return new MbapWire(port, { timeoutMs: TIMEOUT_MS, maxInFlight: 1, units: { late: () => {} }, clock, count });
}

function overLine(protocol: 'modbus-rtu' | 'modbus-ascii', port: SocketPort, clock: FuzzClock, count: CountAny): Wire {
  const inbox = new Inbox(clock);
  port.listen(inbox);
  const bytePort: BytePort = Object.assign(port, { inbox });
  const wireMs = (bytes: number) => (bytes * 11_000) / 19_200;
  return new SerialWire(bytePort, {
    framing: framingOf({ protocol }),
    timeoutMs: TIMEOUT_MS,
    silenceMs: 2,
    lateWindowMs: LATE_WINDOW_MS,
    broadcastPauseMs: 100,
    units: { history: new AnswerHistory(), late: () => {} },
    echo: 'detect',
    wireMs,
    clock,
    count,
    log: silentLog,
  });
}
