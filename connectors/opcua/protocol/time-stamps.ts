import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** OPC UA Part 6 §5.2.2.5: hundreds of nanoseconds since 1601. */
const TICKS_PER_MS = 10_000;
const PICOSECONDS_PER_TICK = 100_000;
const FROM_1601_TO_1970_MS = 11_644_473_600_000;
/** 2³² ticks are so many milliseconds and ticks. */
const [HIGH_MS, HIGH_TICKS] = [429_496, 7_296];

/** About what comes in one publishing has times of one second. */
const SHARED = 1_024;
const shared: Date[] = [];

/** The time in milliseconds, and what is left of it, from the halves of the 64 bits. Those of one millisecond are one object: nobody may set it. */
export function toTimeStamp(low: number, high: number): readonly [time: Date, picoseconds: number] {
  const ticks = (high >>> 0) * HIGH_TICKS + (low >>> 0);
  const timeMs = (high >>> 0) * HIGH_MS + Math.floor(ticks / TICKS_PER_MS) - FROM_1601_TO_1970_MS;
  const at = Math.abs(timeMs % SHARED);
  let time = shared[at];
  if (time?.getTime() !== timeMs) {
    time = new Date(timeMs);
    shared[at] = time;
  }
  return [time, (ticks % TICKS_PER_MS) * PICOSECONDS_PER_TICK];
}

interface Stream {
  readInteger(): number;
}

/** Of the library's module that decodes the time stamps of values; everybody calls it by this object. */
interface Decoder {
  decodeHighAccuracyDateTime(stream: Stream): readonly [time: Date, picoseconds: number];
}

const ofLibrary = createRequire(import.meta.resolve('node-opcua-client'));

/**
 * The library computes each time stamp with objects for 64-bit numbers and makes a Date of it: two of each value that comes, most of
 * the same moment, were half of all garbage. DateTimes that are values are not concerned.
 */
export function shareTimeStamps(): void {
  const folder = dirname(ofLibrary.resolve('node-opcua-date-time'));
  const decoder = ofLibrary(join(folder, 'encode_decode.js')) as Decoder;
  decoder.decodeHighAccuracyDateTime = (stream) => {
    const low = stream.readInteger();
    return toTimeStamp(low, stream.readInteger());
  };
}
