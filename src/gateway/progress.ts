import type { GatewayStatus, HubStatus } from '../model/status.ts';
import type { Progress } from '../runtime/health.ts';

/** What must move while it has work, for the health watch. An absent device or hub is nobody's fault here. */
export function progressOf(status: GatewayStatus): Readonly<Record<string, Progress>> {
  const { counters, state } = status.spool;
  const forwarders = status.hubs.map((hub): [string, Progress] => [
    `forwarder ${hub.name}`,
    { mark: forwarderMark(hub), isIdle: hub.link.state !== 'up' || hub.waitingMessages === 0 || holdsBackOnly(hub) },
  ]);
  const made = status.connections.flatMap(({ devices }) => devices).reduce((sum, { messages }) => sum + messages, 0);
  const { appended_messages: appended = 0, dropped_messages: dropped = 0 } = counters;
  const spool: Progress = { mark: appended + dropped, isIdle: state === 'degraded' || made <= appended + dropped };
  return Object.fromEntries([['spool', spool], ...forwarders]);
}

/** What is taken behind a message that is held back still counts as waiting; when that is tried, the pump knows. */
function holdsBackOnly({ heldBack = 0, inFlight }: HubStatus): boolean {
  return heldBack > 0 && inFlight === 0;
}

/** Whatever the pump does counts, also being told to wait and beginning anew: a hub that throttles is not ours to mend. */
function forwarderMark({ counters, link }: HubStatus): string {
  const { acknowledged_messages, rejected_messages, resent_messages, throttled_messages } = counters;
  return [acknowledged_messages, rejected_messages, resent_messages, throttled_messages, link.sinceMs].join(' ');
}
