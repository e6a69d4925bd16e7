import { join } from 'node:path';
import { DEFAULT_CLASSES, type SpoolClass, type WhenFull } from '../model/spool-class.ts';
import type { MessageClass } from '../model/twin-message.ts';
import type { FileSystem } from './file-system.ts';
import type { SpoolEvent } from './spool.ts';

export interface SpoolOptions {
  readonly directory: string;
  /** Bound of everything in the directory. */
  readonly maxBytes: number;
  /** What was appended longer ago is dropped, acknowledged or not; counted in running time (running-time.ts), not by the clock. */
  readonly maxAgeMs: number;
  /** Shares of `maxBytes` and what gives way in them; default as in the configuration. */
  readonly classes?: Readonly<Record<MessageClass, SpoolClass>>;
  /** Of the messages on disk; default `zstd`. Either reads both. */
  readonly compression?: 'zstd' | 'none';
  /** Secrets: the first encrypts what is written, the others open what was written before. Default: nothing is encrypted. */
  readonly keys?: readonly Uint8Array[];
  /** Longest wait of a message for its commit; default 100. A commit also begins when 256 KiB are waiting. */
  readonly commitWindowMs?: number;
  /**
   * The configured hubs. A hub that is no longer among them is forgotten, and with it what waited for it. A new one begins at
   * the oldest message that names it, so that nothing appended for it is skipped. Sequence numbers outlive both.
   */
  readonly hubs: readonly string[];
  readonly onEvent: (event: SpoolEvent) => void;
  /** UTC, milliseconds since 1970; default the clock of the machine. Stands in records, decides nothing. */
  readonly nowMs?: () => number;
  /** Milliseconds that only rise; default `performance.now`. */
  readonly monotonicMs?: () => number;
  readonly fileSystem?: FileSystem;
  /** Where fewer bytes than these are free on the disk, the spool does not grow; default 0. */
  readonly keepFreeBytes?: number;
  /**
   * Bytes that may wait in memory while the disk is slow or ill, of all classes by their shares; default 16 MiB. Above, messages are
   * dropped as `whenFull` says.
   */
  readonly maxWaitingBytes?: number;
}

/** What concerns the log of one class, which has its own directory, bound and hubs' cursors. */
export interface LogOptions extends Omit<SpoolOptions, 'classes' | 'keepFreeBytes'> {
  readonly class: MessageClass;
  readonly whenFull: WhenFull;
  readonly keepOneOf: number;
  readonly maxWaitingBytes: number;
}

export interface SpoolLimits {
  readonly maxBytes: number;
  readonly segmentBytes: number;
  /** Kept free for gap records, so that a full spool can still say so. */
  readonly reserveBytes: number;
  /** The second copies of gap records that wait. */
  readonly gapCopiesBytes: number;
  readonly maxMessageBytes: number;
  readonly quarantineBytes: number;
  readonly maxWaitingBytes: number;
}

const MAX_SEGMENT_BYTES = 8 * 2 ** 20;
const MIN_SEGMENT_BYTES = 4096;
const SEGMENTS_AT_LEAST = 16;

const DEFAULT_WAITING_BYTES = 16 * 2 ** 20;

/** The share of one class of what the spool may take. */
export function logOptionsOf(options: SpoolOptions, name: MessageClass): LogOptions {
  const {
    classes = DEFAULT_CLASSES,
    directory,
    maxBytes,
    maxWaitingBytes = DEFAULT_WAITING_BYTES,
    keepFreeBytes,
    ...rest
  } = options;
  const { share, ...how } = classes[name];
  const part = (bytes: number) => Math.floor((bytes * share) / 100);
  const bounds = { maxBytes: part(maxBytes), maxWaitingBytes: part(maxWaitingBytes) };
  return { ...rest, ...how, ...bounds, class: name, directory: join(directory, name) };
}

/** Small segments: space comes back in small steps, and a damaged one costs little. */
export function limitsOf({ maxBytes, maxWaitingBytes }: LogOptions): SpoolLimits {
  const share = Math.floor(maxBytes / SEGMENTS_AT_LEAST);
  const segmentBytes = Math.max(MIN_SEGMENT_BYTES, Math.min(MAX_SEGMENT_BYTES, share));
  const maxMessageBytes = Math.floor(segmentBytes / 2);
  const bounds = { reserveBytes: share, gapCopiesBytes: 2 * share, quarantineBytes: share };
  return { maxBytes, segmentBytes, ...bounds, maxMessageBytes, maxWaitingBytes };
}
