import { PROTOCOLS } from '../plant.ts';
import { GOOD, play, type Scene, SHORT, SHORT_MS } from './stage.ts';

const TCP = ['modbus-tcp'] as const;
/** A value that is right, or none: never a wrong one. */
const RIGHT_OR_NONE = new RegExp(`^(${GOOD.wide}|${GOOD.narrow}|BadCommunicationError|BadTimeout)$`);
const once = { times: 1 };

/** One row a fault: what is read of the unit that it befalls, and what is counted. Its neighbour is read before, between and after. */
const SCENES: readonly Scene[] = [
  {
    id: 'F36',
    what: 'a unit that is silent',
    on: PROTOCOLS,
    fault: { kind: 'silent' },
    keys: SHORT,
    readings: ['BadTimeout', 'BadTimeout'],
    counters: { timeouts: 2 },
  },
  {
    id: 'F41',
    what: 'an answer after the time-out',
    on: PROTOCOLS,
    fault: { kind: 'late', ms: SHORT_MS + 20 },
    scope: once,
    keys: { ...SHORT, lateWindow: '80 ms' },
    readings: ['BadTimeout', RIGHT_OR_NONE, RIGHT_OR_NONE],
    counters: { timeouts: { atLeast: 1 }, late_replies: 1 },
  },
  {
    id: 'F41',
    what: 'answers that are late all the time',
    on: PROTOCOLS,
    fault: { kind: 'late', ms: 1.7 * SHORT_MS },
    keys: { ...SHORT, lateWindow: '10 ms', maxTimeouts: 100 },
    readings: ['BadTimeout', RIGHT_OR_NONE, RIGHT_OR_NONE, RIGHT_OR_NONE, RIGHT_OR_NONE],
    counters: { timeouts: { atLeast: 1 } },
  },
  {
    id: 'F53',
    what: 'a unit that the converter calls dead',
    on: TCP,
    fault: { kind: 'exception', code: 11 },
    keys: { maxTimeouts: 1 },
    readings: ['BadTimeout', 'BadTimeout', 'BadTimeout', 'BadTimeout'],
    counters: { timeouts: 0 },
  },
  {
    id: 'F53',
    what: 'a unit that is silent behind a converter',
    on: ['modbus-tcp', 'modbus-rtu-over-tcp'],
    fault: { kind: 'silent' },
    keys: { ...SHORT, maxTimeouts: 1 },
    readings: ['BadTimeout', 'BadTimeout', 'BadTimeout'],
    counters: { timeouts: 3 },
  },
  {
    id: 'F35',
    what: 'a connection that is reset',
    on: TCP,
    fault: { kind: 'reset' },
    readings: ['LINK_CLOSED'],
    lost: 'LINK_CLOSED',
  },
  {
    id: 'F35',
    what: 'a connection that is ended',
    on: TCP,
    fault: { kind: 'ended' },
    readings: ['LINK_CLOSED'],
    lost: 'LINK_CLOSED',
  },
];

describe('Modbus units that are silent, late or gone', () => {
  for (const scene of SCENES) play(scene);
});
