import { setImmediate as nextTurn } from 'node:timers/promises';
import { SerialPort } from 'serialport';
import { withCrc } from '../../connectors/modbus/protocol/crc.ts';
import { silenceMs } from './exact-line.ts';

/** serialport alone: asks unit 1 for so many registers, counts the bytes of the answer, and spins until the silence is over. */
export class BarePort {
  readonly #port: SerialPort;
  readonly #silenceMs: number;

  private constructor(port: SerialPort, baudRate: number) {
    this.#port = port;
    this.#silenceMs = silenceMs(baudRate);
  }

  static async open(path: string, baudRate: number): Promise<BarePort> {
    const port = new SerialPort({ path, baudRate, stopBits: 2, autoOpen: false });
    await new Promise<void>((resolve, reject) => port.open((error) => (error === null ? resolve() : reject(error))));
    return new BarePort(port, baudRate);
  }

  /** Resolves with the number of requests that were answered. */
  async run(registers: number, forMs: number): Promise<number> {
    const request = withCrc(Buffer.of(1, 3, 0, 0, 0, registers));
    const untilMs = performance.now() + forMs;
    let answered = 0;
    for (; performance.now() < untilMs; answered += 1) {
      this.#port.write(request);
      await this.#bytes(5 + 2 * registers);
      const quietAtMs = performance.now() + this.#silenceMs;
      while (performance.now() < quietAtMs) await nextTurn();
    }
    return answered;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#port.close(() => resolve()));
  }

  #bytes(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let missing = count;
    const onData = (bytes: Buffer) => {
      missing -= bytes.length;
      if (missing > 0) return;
      this.#port.off('data', onData);
      resolve();
    };
    this.#port.on('data', onData);
    return promise;
  }
}
