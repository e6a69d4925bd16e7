import type { GatewayIdentity } from '../../../model/plan.ts';
import type { WallClock } from '../../../runtime/clock.ts';
import { isoTime } from '../../shapes/envelope.ts';

/** `gw.status/1`, retained: whoever subscribes learns at once whether the gateway is there. */
export function encodeStatus(
  { id, location, labels }: GatewayIdentity,
  state: 'online' | 'offline',
  more: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  return {
    schema: 'gw.status/1',
    gateway: id,
    ...(location === undefined ? {} : { location }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    state,
    ...more,
  };
}

/** When it is so, and a word where the gateway does not know the time. */
export function statusTime(clock: WallClock): Readonly<Record<string, unknown>> {
  return { time: isoTime(clock.nowMs()), ...(clock.isKnown === false ? { clock: 'unsynchronised' } : {}) };
}
