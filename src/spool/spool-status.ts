import { countAhead } from './acknowledged.ts';
import type { HubReader } from './hub-reader.ts';
import type { LogParts } from './log-parts.ts';
import type { ClassStatus } from './spool.ts';

type Now = Pick<ClassStatus, 'bytes' | 'isBlocked'> & { readonly error: unknown };

export function statusOf(parts: LogParts, { bytes, isBlocked, error }: Now): ClassStatus {
  const { store, readers, counters, limits } = parts;
  const { roomBytes } = parts.freeSpace;
  return {
    state: error === undefined ? 'ok' : 'degraded',
    isDiskLow: parts.freeSpace.isLow,
    ...(roomBytes === undefined ? {} : { diskRoomBytes: roomBytes }),
    isBlocked,
    epoch: store.epoch,
    bytes,
    maxBytes: limits.maxBytes,
    segments: store.segments.length,
    hubs: Object.fromEntries([...readers].map(([hub, reader]) => [hub, waitingFor(parts, hub, reader)])),
    counters: counters.all(),
    ...(error === undefined ? {} : { error: error instanceof Error ? error.message : String(error) }),
  };
}

/** The head of the segment where the hub stands counts damaged messages before it, which the hub cannot. */
function waitingFor({ store }: LogParts, hub: string, { cursor, oldestTimeMs }: HubReader) {
  const segment = store.segments.findLast(({ first }) => first <= cursor.offset + 1) ?? store.segments[0];
  const passed = Math.max(cursor.messages, segment?.head?.totals[hub] ?? 0);
  const messages = store.table.total(hub);
  const ahead = countAhead(cursor, { offset: store.nextOffset - 1, messages });
  const waitingMessages = Math.max(0, messages - passed - ahead);
  const timeMs = oldestTimeMs ?? store.table.committedMs(hub, passed) ?? segment?.head?.createdMs;
  return { waitingMessages, ...(waitingMessages === 0 || timeMs === undefined ? {} : { oldestTimeMs: timeMs }) };
}
