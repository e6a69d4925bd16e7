import {
  type DataChangeNotification,
  type NotificationMessage,
  promoteOpaqueStructureInNotificationData,
  RepublishRequest,
} from 'node-opcua-client';
import type { Reading } from '../../../src/model/reading.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { Counters } from '../protocol/counters.ts';
import { statusNameOf } from '../protocol/errors.ts';
import type { RawSession } from '../protocol/raw-session.ts';
import { isOverflow, isOverload, qualityOf } from '../protocol/status-code.ts';
import { toReading } from '../values/reading.ts';
import type { LastReadings } from './last-readings.ts';
import type { MonitoredItem } from './monitored-item.ts';
import type { WatchedItems } from './watched-items.ts';

export interface ChangesContext {
  readonly clock: Clock;
  readonly counters: Counters;
  readonly last: LastReadings;
  readonly items: WatchedItems;
  /** Called before the readings are handed on, where more is to be done than that: see `isNotable`. */
  readonly onNotable: (item: MonitoredItem, samples: readonly Reading[], hasOverflown: boolean) => void;
}

/** Structures come as bytes; what they mean the server has to be asked for, once. */
export async function understand(session: RawSession, { notificationData }: NotificationMessage): Promise<void> {
  const data = (notificationData ?? []).filter((one) => one !== null);
  await promoteOpaqueStructureInNotificationData(session, data).catch(() => {});
}

/** Readings of one notification, in order. */
export function readChanges(
  { monitoredItems }: DataChangeNotification,
  { clock, counters, last, items, onNotable }: ChangesContext,
): readonly Reading[] {
  const nowMs = clock.nowMs();
  const readings: Reading[] = [];
  for (const { clientHandle, value } of monitoredItems ?? []) {
    const item = items.withHandle(clientHandle);
    if (item === undefined) continue;
    const hasOverflown = isOverflow(value.statusCode.value);
    if (hasOverflown) counters.overflows += 1;
    const isOverloaded = isOverload(value.statusCode.value);
    if (isOverloaded || item.isOverloaded === true) item.isOverloaded = isOverloaded;
    const from = readings.length;
    readings.push(toReading(item.node, value, nowMs));
    for (const node of item.others) readings.push(toReading(node, value, nowMs));
    if (isNotable(item, value.statusCode.value)) onNotable(item, readings.slice(from), hasOverflown);
  }
  counters.notifications += readings.length;
  return last.take(readings, nowMs);
}

/** The first word of an item, the first after a break, a loss in its queue, and what may say that the node is gone. */
function isNotable({ isActive, gap }: MonitoredItem, code: number): boolean {
  return !isActive || gap !== undefined || isOverflow(code) || qualityOf(code) === 'bad';
}

/** `undefined` when the server does not have it any more. Rejects when the server cannot be asked. */
export function republish(
  session: RawSession,
  subscriptionId: number,
  sequence: number,
): Promise<NotificationMessage | undefined> {
  return new Promise((resolve, reject) => {
    const request = new RepublishRequest({ subscriptionId, retransmitSequenceNumber: sequence });
    session.republish(request, (error, response) => {
      const status = error === null ? undefined : statusNameOf(error);
      if (status === 'BadMessageNotAvailable' || status === 'BadServiceUnsupported') resolve(undefined);
      else if (error !== null) reject(error);
      else resolve(response?.notificationMessage);
    });
  });
}
