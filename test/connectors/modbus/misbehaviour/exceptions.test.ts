import { PROTOCOLS } from '../plant.ts';
import { play, type Scene } from './stage.ts';

/** One row a fault: what is read of the unit that it befalls, and what is counted. Its neighbour is read before, between and after. */
const SCENES: readonly Scene[] = [
  ...(
    [
      [1, 'BadNotSupported'],
      [2, 'BadOutOfRange'],
      [3, 'BadInvalidArgument'],
      [4, 'BadDeviceFailure'],
      [5, 'BadWaitingForResponse'],
      [6, 'BadResourceUnavailable'],
      [8, 'BadDeviceFailure'],
      [10, 'BadNoCommunication'],
      [11, 'BadTimeout'],
      [0x80, 'BadDeviceFailure'],
    ] as const
  ).map(
    ([code, status]): Scene => ({
      id: 'F45',
      what: `exception ${code}`,
      on: PROTOCOLS,
      fault: { kind: 'exception', code },
      readings: [status],
      counters: { exceptions: { atLeast: 1 }, timeouts: 0 },
    }),
  ),
];

describe('Modbus units that refuse', () => {
  for (const scene of SCENES) play(scene);
});
