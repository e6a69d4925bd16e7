import type { Stored } from '../model/twin-message.ts';
import type { Acknowledged } from './acknowledged.ts';
import { HubReader } from './hub-reader.ts';
import type { OpenedLog } from './log-parts.ts';
import type { LogView } from './log-walk.ts';
import type { Segment } from './segment.ts';

/** What readers tell the log. */
export interface ReaderEvents {
  readonly onAcknowledged: () => void;
  readonly onSuspect: (segment: Segment, hub: string, acknowledged: Acknowledged) => void;
  readonly onReject: (hub: string, stored: Stored, reason: string) => Promise<void>;
}

/** One reader for each configured hub: where its cursor stands, or at the oldest message. */
export function createReaders(log: OpenedLog, events: ReaderEvents): ReadonlyMap<string, HubReader> {
  const { options, store } = log;
  const view = viewOf(log, events);
  const first = store.segments[0];
  const cursors = new Map(Object.entries(log.cursors?.cursors ?? {}));
  const readers = options.hubs.map((hub): [string, HubReader] => {
    const oldest = { offset: (first?.first ?? 1) - 1, messages: first?.head?.totals[hub] ?? 0 };
    return [hub, new HubReader(hub, cursors.get(hub) ?? oldest, view)];
  });
  return new Map(readers);
}

function viewOf({ fileSystem, codec, store, counters, options }: OpenedLog, events: ReaderEvents): LogView {
  return {
    class: options.class,
    fileSystem,
    codec,
    segments: store.segments,
    endOffset: (segment) => store.endOffset(segment),
    end: (hub) => store.end(hub),
    onAcknowledged: events.onAcknowledged,
    onDamage: events.onSuspect,
    onUnreadable: (segment, hub, acknowledged, error) => {
      counters.add('read_errors', 1);
      const fields = { path: segment.path, error: String(error) };
      options.onEvent({ level: 'error', event: 'segment unreadable', fields });
      events.onSuspect(segment, hub, acknowledged);
    },
    reject: events.onReject,
  };
}
