import type { GatewayIdentity } from '../../../model/plan.ts';

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
