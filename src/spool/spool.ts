import type { MessageClass, Stored, TwinMessage } from '../model/twin-message.ts';

/** A message to be kept, with the hubs that are to get it. */
export interface Draft {
  readonly message: TwinMessage;
  /** Names of hubs; at least one. Each gets its own gapless sequence for each twin. */
  readonly hubs: readonly string[];
}

/**
 * The durable store-and-forward queue: at-least-once from here to the hubs. A log for each class of messages, one copy on disk,
 * one cursor for each hub.
 */
export interface Spool {
  /**
   * When the newest of what was found at the start was committed; UTC, milliseconds since 1970. `undefined`: nothing was, or the
   * disk did not let us look.
   */
  readonly lastCommitMs: number | undefined;
  /**
   * Resolves when the messages are on disk (fdatasync, in groups). Keeps the order of calls. When the share of
   * a class is full its oldest or newest are dropped, counted and declared in a gap record, or (`block`) it resolves once there is room. Rejects only with SPOOL_WRITE after `close`.
   *
   * It also resolves when a message was dropped on the way in. A message that is too large: once its gap record is on disk. One
   * refused because the spool is full (`drop-newest`), or shed because memory is (the disk is slow or ill): after the next
   * attempt to commit. Its gap record is in that commit where it may be; else (disk ill, or declared less than 10 s ago) the
   * statement waits in memory, and a kill before it is written loses the statement. What was once on disk never goes unsaid.
   */
  append(drafts: readonly Draft[]): Promise<void>;
  /** The reader of one hub; the same object for the same name. */
  reader(hub: string): SpoolReader;
  status(): SpoolStatus;
  /** Everything appended is on disk, files are closed, the lock is free. Idempotent. */
  close(): Promise<void>;
}

/** Where a message stands in the spool. */
export type SpoolPlace = Pick<Stored, 'class' | 'offset'>;

export interface SpoolLane {
  /** A read is under way that has looked, found nothing, and waits. */
  readonly isAtEnd: boolean;
  /**
   * The next committed messages for this hub, at least one, about `maxBytes` at most; waits for them. The most urgent class comes
   * first, now and then a less urgent one. Rejects with the signal's reason when aborted, losing nothing. One call at a time.
   */
  read(maxBytes: number, signal: AbortSignal): Promise<readonly Stored[]>;
  /**
   * Everything of this lane and of its class up to and including `last` may be deleted. Durable within a second, or a commit window
   * after 32 messages: what was acknowledged since may be read again after a crash.
   */
  acknowledge(last: SpoolPlace): void;
}

/** Read beside each other, each in order and acknowledged by itself; over at the next `rewind`. */
export interface Lanes {
  /** From the end of the log on. */
  readonly live: SpoolLane;
  /** What waited before; its `read` hands out nothing once it has come to where `live` began. */
  readonly history: SpoolLane;
}

export interface SpoolReader extends SpoolLane {
  /** The next `read` begins again at the first message not acknowledged: after a lost session. */
  rewind(): void;
  /**
   * Called between `rewind` and the first `read`, in place of which the lanes are read: new messages need not wait for what waits.
   * `undefined`: no more than `maxBehind` messages wait, `read` goes on in order. Where lanes were read before, `live` goes on in order
   * behind what it had acknowledged, if no more than that wait there, or if this has happened too often for a bounded record.
   */
  liveFirst(maxBehind: number): Lanes | undefined;
  /** Declares a message that the hub will never take: counted, told in a gap record; then acknowledge it as usual. */
  reject(stored: Stored, reason: string): Promise<void>;
}

/** How much there is, and how it is with the disk. */
export interface LogStatus {
  readonly state: 'ok' | 'degraded';
  /** Fewer bytes are free on the disk than are to be kept: what is there does not grow. */
  readonly isDiskLow: boolean;
  /** Free bytes of the disk beyond those that are to be kept, as last seen; absent: nobody looks. */
  readonly diskRoomBytes?: number;
  readonly bytes: number;
  readonly segments: number;
  readonly hubs: Readonly<Record<string, { readonly waitingMessages: number; readonly oldestTimeMs?: number }>>;
  /** Rising counts since start, snake case: `appended_messages`, `appended_bytes`, `dropped_messages`, `corrupt_records`, `commits` … */
  readonly counters: Readonly<Record<string, number>>;
  /** The last error of the disk, while `state` is `degraded`. */
  readonly error?: string;
}

/** Of one class. */
export interface ClassStatus extends LogStatus {
  /** Empty as long as the log could not be opened. */
  readonly epoch: string;
  /** The bound of this class. */
  readonly maxBytes: number;
  /** It is full, and what is new waits in memory until there is room. */
  readonly isBlocked: boolean;
}

/** Of all classes together, and each by itself. */
export interface SpoolStatus extends LogStatus {
  readonly classes: Readonly<Record<MessageClass, ClassStatus>>;
}

/** What the spool tells to whoever keeps the log. */
export interface SpoolEvent {
  readonly level: 'info' | 'warn' | 'error';
  /** Noun and past verb, e.g. `segment quarantined`. */
  readonly event: string;
  readonly fields: Readonly<Record<string, string | number>>;
}
