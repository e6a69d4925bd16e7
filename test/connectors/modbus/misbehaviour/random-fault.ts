import type { Fault } from '../../../../src/simulator/modbus-faults.ts';
import type { Random } from '../../../../src/simulator/random.ts';

/**
 * Everything that a device can do wrong without lying in a frame that is right. Answers may be late by less than the late window
 * of a serial line; what is later than that nobody can tell from the answer to the next request.
 */
const FAULTS: readonly Fault[] = [
  { kind: 'silent' },
  { kind: 'lost' },
  { kind: 'late', ms: 5 },
  { kind: 'exception', code: 4 },
  { kind: 'exception', code: 6 },
  { kind: 'short' },
  { kind: 'long' },
  { kind: 'lying-count', count: 2 },
  { kind: 'wrong-function' },
  { kind: 'wrong-unit' },
  { kind: 'wrong-transaction' },
  { kind: 'wrong-protocol' },
  { kind: 'lying-length', length: 65_535 },
  { kind: 'bad-crc' },
  { kind: 'cut', bytes: 3 },
  { kind: 'noise', where: 'before' },
  { kind: 'noise', where: 'after' },
  { kind: 'duplicate' },
  { kind: 'duplicate', afterMs: 10 },
  { kind: 'glued' },
  { kind: 'bytewise', gapMs: 1 },
  { kind: 'flood', bytes: 20_000 },
  { kind: 'babble', ms: 50 },
  { kind: 'echo' },
  { kind: 'collision' },
  { kind: 'second-master' },
  { kind: 'wrong-speed' },
  { kind: 'reset' },
  { kind: 'ended' },
  { kind: 'half-open' },
];

export function randomFault(random: Random): Fault {
  return FAULTS[Math.floor(random() * FAULTS.length)] ?? { kind: 'silent' };
}
