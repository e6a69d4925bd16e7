import type { BlockCodec } from './block.ts';
import type { Counters } from './counters.ts';
import type { CursorFile, CursorRecord } from './cursor-file.ts';
import type { FileSystem } from './file-system.ts';
import type { FreeSpace } from './free-space.ts';
import type { GapCopies } from './gap-copies.ts';
import type { HubReader } from './hub-reader.ts';
import type { Intake } from './intake.ts';
import type { Quarantine } from './quarantine.ts';
import type { RunningTime } from './running-time.ts';
import type { Segment } from './segment.ts';
import type { SegmentStore } from './segment-store.ts';
import type { LogOptions, SpoolLimits } from './spool-options.ts';
import type { Turns } from './turns.ts';

/** What an opened log is made of. */
export interface OpenedLog {
  readonly options: LogOptions;
  readonly limits: SpoolLimits;
  readonly fileSystem: FileSystem;
  readonly codec: BlockCodec;
  readonly store: SegmentStore;
  readonly cursorFile: CursorFile;
  readonly gapCopies: GapCopies;
  readonly quarantine: Quarantine;
  readonly cursors: CursorRecord | undefined;
  readonly suspects: readonly Segment[];
  readonly lastCommitMs: number | undefined;
  readonly runningTime: RunningTime;
  readonly intake: Intake;
  readonly counters: Counters;
  /** Of the whole spool. */
  readonly turns: Turns;
  readonly freeSpace: FreeSpace;
}

/** What each room of the running log may use. */
export interface LogParts extends OpenedLog {
  readonly readers: ReadonlyMap<string, HubReader>;
  readonly nowMs: () => number;
}
