/** Times of clocks on the wall: year, month 1 to 12, day, hour, minute, second, millisecond. */
export interface WallTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly millisecond: number;
}

/** As if the clock showed UTC; `undefined` where the calendar has no such time: month 13, 30 February, 24:00. */
export function toUtcMs(time: WallTime): number | undefined {
  const { year, month, day, hour, minute, second, millisecond } = time;
  const ms = Date.UTC(year, month - 1, day, hour, minute, second, millisecond);
  return hasParts(ms, time) ? ms : undefined;
}

function hasParts(ms: number, time: WallTime): boolean {
  const found = toWallTime(ms);
  return (Object.keys(found) as (keyof WallTime)[]).every((part) => found[part] === time[part]);
}

export function toWallTime(utcMs: number): WallTime {
  const date = new Date(utcMs);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    millisecond: date.getUTCMilliseconds(),
  };
}

export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

/** Shifts between UTC and the clocks of a time zone (IANA name). */
export interface TimeZone {
  /** `shownMs`: what the clock shows, as if it were UTC. Of an hour that comes twice the first is meant, one left out is moved on. */
  toUtc(shownMs: number): number;
  toShown(utcMs: number): number;
}

const UTC: TimeZone = { toUtc: (ms) => ms, toShown: (ms) => ms };

export function timeZone(name: string): TimeZone {
  if (name === 'UTC') return UTC;
  const format = new Intl.DateTimeFormat('en', { timeZone: name, timeZoneName: 'longOffset', year: 'numeric' });
  const offsetMs = (utcMs: number) => parseOffset(format.formatToParts(utcMs).find(({ type }) => type === 'timeZoneName')?.value);
  return {
    toShown: (utcMs) => utcMs + offsetMs(utcMs),
    toUtc: (shownMs) => {
      // The offset a day before and a day after are the two that can be meant.
      const candidates = [shownMs - DAY_MS, shownMs + DAY_MS].map((ms) => shownMs - offsetMs(ms));
      const fitting = candidates.filter((utcMs) => utcMs + offsetMs(utcMs) === shownMs);
      return fitting.length > 0 ? Math.min(...fitting) : Math.max(...candidates);
    },
  };
}

const DAY_MS = 86_400_000;

/** `GMT+05:30`, `GMT-03:00`, `GMT`, and seconds for years long ago. */
function parseOffset(text = 'GMT'): number {
  const [, sign = '+', hours = '0', minutes = '0', seconds = '0'] = /GMT([+-])(\d+):(\d+)(?::(\d+))?/.exec(text) ?? [];
  const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000;
  return sign === '-' ? -ms : ms;
}
