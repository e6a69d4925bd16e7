import { LINE_PROTOCOLS } from '../plant.ts';
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
    id: 'F38',
    what: 'noise before the answer',
    on: LINE_PROTOCOLS,
    fault: { kind: 'noise', where: 'before' },
    scope: once,
    readings: both,
    counters: { discarded_bytes: 5, bad_frames: 0 },
  },
  {
    id: 'F38',
    what: 'noise behind the answer',
    on: LINE_PROTOCOLS,
    fault: { kind: 'noise', where: 'after' },
    scope: once,
    readings: both,
    counters: { discarded_bytes: 5, bad_frames: 0 },
  },
  {
    id: 'F38',
    what: 'noise inside the answer',
    on: LINE_PROTOCOLS,
    fault: { kind: 'noise', where: 'inside' },
    scope: once,
    readings: ['BadCommunicationError', GOOD.narrow],
    counters: { crc_errors: 1, bad_frames: 1 },
  },
  {
    id: 'F38',
    what: 'noise inside the answer, asked again',
    on: LINE_PROTOCOLS,
    fault: { kind: 'noise', where: 'inside' },
    scope: once,
    keys: { retries: 1 },
    readings: both,
    counters: { crc_errors: 1, retries: 1 },
  },
  {
    id: 'F38',
    what: 'bytes before the answer',
    on: TCP,
    fault: { kind: 'noise', where: 'before' },
    scope: once,
    readings: ['LINK_PROTOCOL'],
    lost: 'LINK_PROTOCOL',
    counters: { bad_frames: 1 },
  },
  {
    id: 'F38',
    what: 'bytes behind the answer',
    on: TCP,
    fault: { kind: 'noise', where: 'after' },
    scope: once,
    readings: [GOOD.wide, 'LINK_PROTOCOL'],
    lost: 'LINK_PROTOCOL',
    counters: { bad_frames: 1 },
  },
  {
    id: 'F39',
    what: 'a wrong CRC in every fifth answer',
    on: LINE_PROTOCOLS,
    fault: { kind: 'bad-crc' },
    scope: { every: 5 },
    keys: { retries: 1 },
    readings: [...both, ...both, ...both, ...both],
    counters: { crc_errors: 1, retries: 1 },
  },
  {
    id: 'F40',
    what: 'an adapter that sends back what it was given, and no unit',
    on: LINE_PROTOCOLS,
    fault: { kind: 'echo' },
    keys: SHORT,
    readings: [REFUSED, REFUSED],
  },
  {
    id: 'F40',
    what: 'a device that sends back what it was given',
    on: TCP,
    fault: { kind: 'echo' },
    readings: ['LINK_PROTOCOL'],
    lost: 'LINK_PROTOCOL',
  },
  {
    id: 'F54',
    what: 'a second master that talks at the same time',
    on: LINE_PROTOCOLS,
    fault: { kind: 'collision' },
    scope: { every: 3 },
    keys: { retries: 2 },
    readings: [...both, ...both, ...both],
    counters: { crc_errors: { atLeast: 2 }, retries: { atLeast: 2 } },
  },
  {
    id: 'F54',
    what: 'a second master that talks in between',
    on: LINE_PROTOCOLS,
    fault: { kind: 'second-master' },
    readings: [...both, ...both],
    counters: { foreign_frames: { atLeast: 4 }, bad_frames: 0 },
  },
  {
    id: 'F58',
    what: 'a wrong baud rate',
    on: LINE_PROTOCOLS,
    fault: { kind: 'wrong-speed' },
    keys: SHORT,
    readings: [REFUSED, REFUSED, REFUSED],
    counters: { responses: 1 },
  },
  {
    id: 'F105',
    what: 'rubbish behind the answer',
    on: LINE_PROTOCOLS,
    fault: { kind: 'flood', bytes: 6_000 },
    scope: once,
    keys: { retries: 2 },
    readings: both,
  },
  {
    id: 'F105',
    what: 'a megabyte behind the answer',
    on: TCP,
    fault: { kind: 'flood', bytes: 1_000_000 },
    scope: once,
    readings: [/^(13107401|LINK_PROTOCOL)$/, /^LINK_/],
    lost: 'LINK_PROTOCOL',
  },
  {
    id: 'F105',
    what: 'rubbish in place of an answer, without a pause',
    on: LINE_PROTOCOLS,
    fault: { kind: 'babble', ms: 400 },
    scope: once,
    keys: SHORT,
    readings: [REFUSED, RIGHT_OR_NONE, RIGHT_OR_NONE],
  },
];

describe('Modbus lines that are disturbed', () => {
  for (const scene of SCENES) play(scene);
});
