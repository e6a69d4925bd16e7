import type { Wire } from '../../src/simulator/wire.ts';

/**
 * A serial line that takes exactly the time of the standard (Modbus over Serial Line 1.02, section 2.5.1.1): 11 bits a
 * character, and 3.5 characters of silence (1.75 ms above 19 200 baud) by which a device knows that the request is over. Timers
 * of milliseconds would make the line slower than it is; here the last bit of the wait is spun. A device answers at once by the time
 * of the line: what this process takes to make the answer, a device is not behind with.
 */
const BITS_PER_CHARACTER = 11;
const SPIN_MS = 2;

export function characterMs(baudRate: number): number {
  return (BITS_PER_CHARACTER * 1_000) / baudRate;
}

export function silenceMs(baudRate: number): number {
  return baudRate > 19_200 ? 1.75 : 3.5 * characterMs(baudRate);
}

/** Request, silence, answer, silence: no master can be faster with a device that answers at once. */
export function transactionMs(requestBytes: number, answerBytes: number, baudRate: number): number {
  return (requestBytes + answerBytes) * characterMs(baudRate) + 2 * silenceMs(baudRate);
}

export function exactLine(line: Wire, baudRate: number): Wire {
  let freeAtMs = 0;
  let lineMs: number | undefined;
  const take = (bytes: Buffer, extraMs: number): number => {
    freeAtMs = Math.max(lineMs ?? performance.now(), freeAtMs) + bytes.length * characterMs(baudRate) + extraMs;
    return freeAtMs;
  };
  const answerAt = (timeMs: number, answer: () => void): void => {
    at(timeMs, () => {
      lineMs = timeMs;
      answer();
      lineMs = undefined;
    });
  };
  return {
    listen: (onBytes) => line.listen((bytes) => answerAt(take(bytes, silenceMs(baudRate)), () => onBytes(bytes))),
    send: (bytes) => at(take(bytes, 0), () => line.send(bytes)),
    reset: () => line.reset(),
    end: () => line.end(),
    freeze: () => line.freeze(),
  };
}

function at(timeMs: number, act: () => void): void {
  const leftMs = timeMs - performance.now();
  if (leftMs > SPIN_MS) setTimeout(() => at(timeMs, act), leftMs - SPIN_MS);
  else if (leftMs > 0) setImmediate(() => at(timeMs, act));
  else act();
}
