/**
 * Time on a serial line (Modbus over Serial Line 1.02, section 2.5.1.1): a frame begins after 3.5 characters of silence, counted
 * with 11 bits a character up to 19 200 baud and fixed at 1.75 ms above.
 */
export interface LineSpeed {
  readonly baudRate: number;
  /** Absent: 8. */
  readonly dataBits?: 7 | 8;
  readonly parity: 'even' | 'odd' | 'none';
  readonly stopBits: 1 | 2;
}

const STANDARD_CHARACTER_BITS = 11;
const FIXED_SILENCE_ABOVE_BAUD = 19_200;
const FIXED_SILENCE_MS = 1.75;

export function characterMs({ baudRate, dataBits = 8, parity, stopBits }: LineSpeed): number {
  const bits = 1 + dataBits + (parity === 'none' ? 0 : 1) + stopBits;
  return (bits * 1_000) / baudRate;
}

/** t3.5 of the standard. */
export function silentIntervalMs(baudRate: number): number {
  return baudRate > FIXED_SILENCE_ABOVE_BAUD ? FIXED_SILENCE_MS : (3.5 * STANDARD_CHARACTER_BITS * 1_000) / baudRate;
}

export function wireMs(bytes: number, speed: LineSpeed): number {
  return bytes * characterMs(speed);
}
