import type { ConnectionPlan, DevicePlan } from '../model/plan.ts';
import type { ConnectorSession } from './connector.ts';

/** The devices of a connection with the points that they have now. */
export function presentDevices({ devices }: ConnectionPlan, session: ConnectorSession): readonly DevicePlan[] {
  const present = new Map(devices.map((device) => [device.twin, device]));
  session.resolved?.subscribe((device) => present.set(device.twin, device)).unsubscribe();
  return [...present.values()];
}
