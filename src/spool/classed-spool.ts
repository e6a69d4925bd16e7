import { GatewayError } from '../model/error.ts';
import { mapClasses } from '../model/spool-class.ts';
import { classOf, type MessageClass } from '../model/twin-message.ts';
import type { ClassLog } from './class-log.ts';
import { ClassedReader } from './classed-reader.ts';
import type { ClassStatus, Draft, LogStatus, Spool, SpoolReader, SpoolStatus } from './spool.ts';
import type { Turns } from './turns.ts';

export interface ClassedSpoolParts {
  readonly logs: Readonly<Record<MessageClass, ClassLog>>;
  readonly hubs: readonly string[];
  readonly turns: Turns;
  readonly release: () => Promise<void>;
}

/** A log for each class of messages: what fills one of them takes no room and no time of the others. */
export class ClassedSpool implements Spool {
  readonly #parts: ClassedSpoolParts;
  readonly #readers: ReadonlyMap<string, ClassedReader>;
  #closing: Promise<void> | undefined;

  constructor(parts: ClassedSpoolParts) {
    this.#parts = parts;
    this.#readers = new Map(parts.hubs.map((hub) => [hub, this.#createReader(hub)]));
  }

  /** Nothing in here holds the drafts until they are on disk: under load they would outlive everything young, and be costly to collect. */
  append(drafts: readonly Draft[]): Promise<void> {
    const appended: Promise<void>[] = [];
    for (const [name, ofClass] of byClass(drafts)) appended.push(this.#parts.logs[name].append(ofClass));
    const [only] = appended;
    return only !== undefined && appended.length === 1 ? only : Promise.all(appended).then(() => {});
  }

  get lastCommitMs(): number | undefined {
    const times = Object.values(this.#parts.logs).flatMap(({ lastCommitMs }) => lastCommitMs ?? []);
    return times.length === 0 ? undefined : Math.max(...times);
  }

  reader(hub: string): SpoolReader {
    const reader = this.#readers.get(hub);
    if (reader === undefined) throw new GatewayError('BUG', hub, 'the spool was not told of this hub');
    return reader;
  }

  status(): SpoolStatus {
    const classes = mapClasses((name) => this.#parts.logs[name].status());
    return { ...Object.values(classes).reduce<LogStatus>(addStatus, NOTHING), classes };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #createReader(hub: string): ClassedReader {
    const { logs, turns } = this.#parts;
    return new ClassedReader(
      mapClasses((name) => logs[name].reader(hub)),
      turns,
    );
  }

  async #close(): Promise<void> {
    await Promise.all(Object.values(this.#parts.logs).map((log) => log.close()));
    await this.#parts.release();
  }
}

function byClass(drafts: readonly Draft[]): ReadonlyMap<MessageClass, readonly Draft[]> {
  const classes = new Map<MessageClass, Draft[]>();
  for (const draft of drafts) {
    const name = classOf(draft.message);
    const others = classes.get(name);
    if (others === undefined) classes.set(name, [draft]);
    else others.push(draft);
  }
  return classes;
}

const NOTHING: LogStatus = { state: 'ok', isDiskLow: false, bytes: 0, segments: 0, hubs: {}, counters: {} };

function addStatus(
  sum: LogStatus,
  { state, isDiskLow, diskRoomBytes, bytes, segments, hubs, counters, error }: ClassStatus,
): LogStatus {
  const firstError = sum.error ?? error;
  const roomBytes = Math.min(sum.diskRoomBytes ?? Number.POSITIVE_INFINITY, diskRoomBytes ?? Number.POSITIVE_INFINITY);
  return {
    state: state === 'degraded' ? state : sum.state,
    isDiskLow: sum.isDiskLow || isDiskLow,
    ...(Number.isFinite(roomBytes) ? { diskRoomBytes: roomBytes } : {}),
    bytes: sum.bytes + bytes,
    segments: sum.segments + segments,
    hubs: Object.fromEntries(Object.entries(hubs).map(([hub, waiting]) => [hub, addWaiting(sum.hubs[hub], waiting)])),
    counters: Object.fromEntries(Object.entries(counters).map(([name, count]) => [name, count + (sum.counters[name] ?? 0)])),
    ...(firstError === undefined ? {} : { error: firstError }),
  };
}

type HubWaiting = LogStatus['hubs'][string];

function addWaiting(sum: HubWaiting = { waitingMessages: 0 }, { waitingMessages, oldestTimeMs }: HubWaiting): HubWaiting {
  const oldest = Math.min(sum.oldestTimeMs ?? Number.POSITIVE_INFINITY, oldestTimeMs ?? Number.POSITIVE_INFINITY);
  return {
    waitingMessages: sum.waitingMessages + waitingMessages,
    ...(Number.isFinite(oldest) ? { oldestTimeMs: oldest } : {}),
  };
}
