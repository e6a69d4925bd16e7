import { GatewayError } from '../model/error.ts';
import { mapClasses } from '../model/spool-class.ts';
import { classOf, MESSAGE_CLASSES, type MessageClass } from '../model/twin-message.ts';
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

  async append(drafts: readonly Draft[]): Promise<void> {
    const logs = MESSAGE_CLASSES.map((name) => {
      const ofClass = drafts.filter(({ message }) => classOf(message) === name);
      return ofClass.length === 0 ? undefined : this.#parts.logs[name].append(ofClass);
    });
    await Promise.all(logs);
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

const NOTHING: LogStatus = { state: 'ok', isDiskLow: false, bytes: 0, segments: 0, hubs: {}, counters: {} };

function addStatus(sum: LogStatus, { state, isDiskLow, bytes, segments, hubs, counters, error }: ClassStatus): LogStatus {
  const firstError = sum.error ?? error;
  return {
    state: state === 'degraded' ? state : sum.state,
    isDiskLow: sum.isDiskLow || isDiskLow,
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
