import type { Stored } from '../model/twin-message.ts';
import type { ClassStatus, Draft } from './spool.ts';

/** The messages of one class; what a spool is put together from. Promises as `Spool` does. */
export interface ClassLog {
  readonly lastCommitMs: number | undefined;
  append(drafts: readonly Draft[]): Promise<void>;
  /** The reader of one hub; the same object for the same name. */
  reader(hub: string): ClassReader;
  status(): ClassStatus;
  close(): Promise<void>;
}

/** What a hub takes in order and acknowledges by itself. */
export interface ClassLane {
  /**
   * What is committed and was not taken yet, about `maxBytes`; empty where there is nothing, `later` where the disk did not let us
   * look. One call at a time.
   */
  take(maxBytes: number): Promise<readonly Stored[] | 'later'>;
  acknowledge(offset: number): void;
}

/** As `Lanes` of the spool. */
export interface ClassLanes {
  readonly live: ClassLane;
  readonly history: ClassLane;
}

export interface ClassReader extends ClassLane {
  rewind(): void;
  liveFirst(maxBehind: number): ClassLanes | undefined;
  reject(stored: Stored, reason: string): Promise<void>;
}
