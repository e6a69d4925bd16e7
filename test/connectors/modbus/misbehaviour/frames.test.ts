import { LINE_PROTOCOLS, PROTOCOLS } from '../plant.ts';
import { GOOD, play, type Scene, SHORT } from './stage.ts';

const TCP = ['modbus-tcp'] as const;
const REFUSED = /^Bad(CommunicationError|Timeout)$/;
/** A value that is right, or none: never a wrong one. */
const RIGHT_OR_NONE = new RegExp(`^(${GOOD.wide}|${GOOD.narrow}|BadCommunicationError|BadTimeout)$`);
const once = { times: 1 };
const both = [GOOD.wide, GOOD.narrow] as const;

/** One row a fault: what is read of the unit that it befalls, and what is counted. Its neighbour is read before, between and after. */
const SCENES: readonly Scene[] = [
  {
    id: 'F42',
    what: 'an answer of another unit',
    on: TCP,
    fault: { kind: 'wrong-unit' },
    scope: once,
    readings: ['BadCommunicationError', GOOD.narrow],
    counters: { bad_frames: 1 },
  },
  {
    id: 'F42',
    what: 'an answer of another unit',
    on: LINE_PROTOCOLS,
    fault: { kind: 'wrong-unit' },
    scope: once,
    keys: SHORT,
    readings: ['BadTimeout', GOOD.narrow],
    counters: { foreign_frames: 1 },
  },
  {
    id: 'F42',
    what: 'an answer to another function',
    on: PROTOCOLS,
    fault: { kind: 'wrong-function' },
    scope: once,
    keys: SHORT,
    readings: [REFUSED, GOOD.narrow],
    counters: { bad_frames: 1 },
  },
  {
    id: 'F42',
    what: 'an answer of another transaction',
    on: TCP,
    fault: { kind: 'wrong-transaction' },
    scope: once,
    keys: SHORT,
    readings: ['BadTimeout', GOOD.narrow],
    counters: { foreign_frames: 1, timeouts: 1 },
  },
  {
    id: 'F43',
    what: 'the same answer twice',
    on: PROTOCOLS,
    fault: { kind: 'duplicate' },
    scope: once,
    readings: both,
    counters: { timeouts: 0 },
  },
  {
    id: 'F43',
    what: 'the same answer again, a moment later',
    on: PROTOCOLS,
    fault: { kind: 'duplicate', afterMs: 40 },
    scope: once,
    readings: [GOOD.wide, /^(100|Bad\w+)$/, RIGHT_OR_NONE],
  },
  {
    id: 'F43',
    what: 'two answers in one piece',
    on: PROTOCOLS,
    fault: { kind: 'glued' },
    scope: once,
    keys: SHORT,
    readings: ['BadTimeout', RIGHT_OR_NONE, RIGHT_OR_NONE],
    counters: { late_replies: 1 },
  },
  {
    id: 'F43',
    what: 'an answer byte by byte, 20 ms apart',
    on: PROTOCOLS,
    fault: { kind: 'bytewise', gapMs: 20 },
    scope: once,
    keys: { timeout: '3 s' },
    readings: both,
    counters: { timeouts: 0, bad_frames: 0 },
  },
  {
    id: 'F44',
    what: 'an answer with fewer registers',
    on: PROTOCOLS,
    fault: { kind: 'short' },
    scope: once,
    keys: SHORT,
    readings: [REFUSED, GOOD.narrow],
    counters: { bad_frames: 1 },
  },
  {
    id: 'F44',
    what: 'an answer with more registers',
    on: PROTOCOLS,
    fault: { kind: 'long' },
    scope: once,
    keys: SHORT,
    readings: [REFUSED, GOOD.narrow],
    counters: { bad_frames: 1 },
  },
  ...[0, 2, 6, 255].map(
    (count): Scene => ({
      id: 'F44',
      what: `a byte count of ${count} in place of 4`,
      on: TCP,
      fault: { kind: 'lying-count', count },
      scope: once,
      readings: ['LINK_PROTOCOL'],
      lost: 'LINK_PROTOCOL',
    }),
  ),
  ...[0, 2, 6, 255].map(
    (count): Scene => ({
      id: 'F44',
      what: `a byte count of ${count} in place of 4`,
      on: LINE_PROTOCOLS,
      fault: { kind: 'lying-count', count },
      scope: once,
      keys: SHORT,
      readings: [REFUSED, GOOD.narrow],
    }),
  ),
  ...[65_535, 300, 2, 1, 0].map(
    (length): Scene => ({
      id: 'F44',
      what: `a frame that says it has ${length} bytes`,
      on: TCP,
      fault: { kind: 'lying-length', length },
      scope: once,
      readings: ['LINK_PROTOCOL'],
      lost: 'LINK_PROTOCOL',
    }),
  ),
  {
    id: 'F44',
    what: 'half an answer',
    on: TCP,
    fault: { kind: 'cut', bytes: 2 },
    scope: once,
    keys: SHORT,
    readings: ['LINK_PROTOCOL'],
    lost: 'LINK_PROTOCOL',
  },
  {
    id: 'F44',
    what: 'half an answer',
    on: LINE_PROTOCOLS,
    fault: { kind: 'cut', bytes: 2 },
    scope: once,
    keys: SHORT,
    readings: ['BadCommunicationError', GOOD.narrow],
    counters: { crc_errors: 1 },
  },
];

describe('Modbus answers that are not what was asked for', () => {
  for (const scene of SCENES) play(scene);
});
