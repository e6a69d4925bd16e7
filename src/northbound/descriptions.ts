import type { DevicePlan } from '../model/plan.ts';
import type { DialectContext, Line, Packet } from './dialect.ts';

/** What describes the twins of a hub. */
export interface Descriptions extends Pick<DialectContext, 'devices' | 'resolved'> {
  /** `undefined`: there is nothing to tell. */
  packetOf(device: DevicePlan): Packet | undefined;
}

/** Tells it now, and again of a twin whose patterns turn out to stand for other points, until the session is over. */
export function tellDescriptions(line: Line, { devices, resolved, packetOf }: Descriptions): void {
  const now = new Map(devices.map((device) => [device.twin, device]));
  const tell = (device: DevicePlan): void => {
    const packet = packetOf(device);
    if (packet !== undefined) line.tell(packet);
  };
  let isBegun = false;
  const changes = resolved.subscribe((device) => {
    if (!now.has(device.twin)) return;
    now.set(device.twin, device);
    if (isBegun) tell(device);
  });
  for (const device of now.values()) tell(device);
  isBegun = true;
  line.over.addEventListener('abort', () => changes.unsubscribe(), { once: true });
}
