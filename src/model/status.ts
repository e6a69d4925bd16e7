import type { ErrorCode } from './error.ts';
import type { Quality } from './quality.ts';
import type { MessageClass } from './twin-message.ts';
import type { JsonValue } from './value.ts';

/** What `/status` shows and the live view draws: plain JSON data, made anew at each call, without secrets. */
export interface GatewayStatus {
  readonly gateway: string;
  readonly version: string;
  readonly startedTimeMs: number;
  readonly nowMs: number;
  /** Whether the time is known to be right, and how often the clock was set by more than a second since start. */
  readonly clock: { readonly state: 'known' | 'doubted'; readonly steps: number };
  readonly connections: readonly ConnectionStatus[];
  readonly hubs: readonly HubStatus[];
  /** What the cloud has changed since the start, by name: `logLevel`, `press-07.speed.interval`; absent: nothing. */
  readonly settings?: Readonly<Record<string, JsonValue>>;
  /** Absent where nothing is audited. */
  readonly audit?: {
    readonly state: 'ok' | 'degraded';
    readonly entries: number;
    /** Not written, because the disk refused for too long. */
    readonly lost: number;
    readonly error?: string;
  };
  readonly spool: {
    readonly state: 'ok' | 'degraded';
    /** Fewer bytes are free on the disk than `spool.keepFree`: the spool does not grow. */
    readonly isDiskLow: boolean;
    /** Free bytes of its disk beyond `spool.keepFree`, as last seen; absent: nobody looks. */
    readonly diskRoomBytes?: number;
    readonly bytes: number;
    readonly maxBytes: number;
    readonly segments: number;
    readonly commitWindowMs: number;
    readonly counters: Readonly<Record<string, number>>;
    readonly error?: string;
    /** The same for each class by itself; the sums are above. */
    readonly classes: Readonly<Record<MessageClass, SpoolClassStatus>>;
  };
}

export interface SpoolClassStatus {
  readonly state: 'ok' | 'degraded';
  readonly bytes: number;
  /** Its share of the spool. */
  readonly maxBytes: number;
  readonly segments: number;
  /** By hub. */
  readonly waitingMessages: Readonly<Record<string, number>>;
  readonly counters: Readonly<Record<string, number>>;
}

export interface LinkStatus {
  readonly state: 'opening' | 'up' | 'waiting' | 'stopped';
  readonly sinceMs?: number;
  /** Where it is not up: since when. */
  readonly downSinceMs?: number;
  readonly retryAtMs?: number;
  readonly error?: ErrorStatus;
}

export interface ErrorStatus {
  readonly code: ErrorCode;
  readonly subject: string;
  readonly message: string;
  readonly action: string;
}

export interface ConnectionStatus {
  readonly name: string;
  readonly protocol: string;
  readonly endpoint: string;
  readonly link: LinkStatus;
  readonly counters: Readonly<Record<string, number>>;
  /** When what the connection depends on expires, by what it is; milliseconds since 1970. */
  readonly expiries?: Readonly<Record<string, number>>;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly devices: readonly DeviceStatus[];
}

export interface DeviceStatus {
  readonly twin: string;
  readonly state: 'up' | 'down' | 'waiting';
  readonly error?: ErrorStatus;
  readonly readings: number;
  readonly messages: number;
  /** Bugs of its pipeline, each told in a gap record. */
  readonly failures?: number;
  /** What could not be measured since the start, as it was told in gap records, by reason; absent: nothing. */
  readonly unmeasured?: Readonly<Record<string, UnmeasuredCount>>;
  readonly points: readonly PointStatus[];
}

export interface UnmeasuredCount {
  /** Gap records. */
  readonly records: number;
  /** Of which the number is known. */
  readonly readings: number;
}

export interface PointStatus {
  readonly name: string;
  /** The engineering value as JSON can carry it; 64-bit integers as text. Absent before the first reading. */
  readonly value?: JsonValue;
  readonly quality?: Quality;
  readonly status?: string;
  readonly unit?: string;
  readonly sourceTimeMs?: number;
}

export interface HubStatus {
  readonly name: string;
  readonly dialect: string;
  readonly endpoint: string;
  readonly link: LinkStatus;
  /** Messages in the spool that this hub has not acknowledged. */
  readonly waitingMessages: number;
  readonly oldestTimeMs?: number;
  readonly inFlight: number;
  readonly window: number;
  /** The hub lets the gateway in and takes none of its messages, for want of a right: they wait. Since when: UTC, milliseconds since 1970. */
  readonly forbidden?: { readonly sinceTimeMs: number; readonly code: string; readonly message: string; readonly action: string };
  /** Messages at which it seems to hang up, while it takes others; they are tried now and then. Absent: none. */
  readonly heldBack?: number;
  /** As of a connection: the gateway's `own` certificate, that of the `server`. */
  readonly expiries?: Readonly<Record<string, number>>;
  /** Where the hub has a daily quota. */
  readonly quota?: {
    readonly usedToday: number;
    readonly messagesPerDay: number;
    /** When it will be used up at the pace of today, where that is before midnight; UTC, milliseconds since 1970. */
    readonly endsTimeMs?: number;
  };
  /** Rising counts since start: `acknowledged_messages`, `acknowledged_bytes`, `rejected_messages`, `resent_messages`, `commands`. */
  readonly counters: Readonly<Record<string, number>>;
}
