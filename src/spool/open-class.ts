import { join } from 'node:path';
import { BlockCodec } from './block.ts';
import type { ClassLog } from './class-log.ts';
import { Counters } from './counters.ts';
import { CursorFile } from './cursor-file.ts';
import { mayHeal } from './disk-error.ts';
import type { FileSystem } from './file-system.ts';
import type { FreeSpace } from './free-space.ts';
import { GapCopies } from './gap-copies.ts';
import { Intake } from './intake.ts';
import { LateSpool } from './late-spool.ts';
import { LogSpool } from './log-spool.ts';
import { takeOverOldLog } from './old-layout.ts';
import { isLockFile, type OwnerLock } from './owner-lock.ts';
import { Quarantine } from './quarantine.ts';
import { recover } from './recovery.ts';
import { isReplacement } from './replacement.ts';
import { RunningTime } from './running-time.ts';
import { parseSegmentName } from './segment.ts';
import { SegmentStore } from './segment-store.ts';
import { type LogOptions, limitsOf } from './spool-options.ts';
import type { Turns } from './turns.ts';

export interface ClassOpening {
  readonly options: LogOptions;
  readonly spoolDirectory: string;
  readonly fileSystem: FileSystem;
  readonly turns: Turns;
  readonly lock: OwnerLock;
  readonly freeSpace: FreeSpace;
}

/** What is there before the log is. */
interface Opening extends ClassOpening {
  readonly intake: Intake;
  readonly counters: Counters;
}

/**
 * Opens the log of one class; late where the disk does not let us now. Its directory: `segment-*.log` (segment.ts, block.ts,
 * frame.ts), `cursors-a` and `cursors-b` (cursor-file.ts), `gap-copies` (gap-copies.ts), `quarantine/`.
 */
export async function openClass(opening: ClassOpening): Promise<ClassLog> {
  const { options, turns } = opening;
  const counters = new Counters();
  const intake = new Intake(options, limitsOf(options), counters);
  const openLog = () => openNow({ ...opening, intake, counters });
  try {
    return await openLog();
  } catch (error) {
    if (mayHeal(error)) return new LateSpool({ options, intake, counters, turns, openLog, firstError: error });
    throw error;
  }
}

async function openNow(opening: Opening): Promise<ClassLog> {
  const { options, fileSystem, lock } = opening;
  const { directory, onEvent, nowMs = Date.now, monotonicMs = () => performance.now() } = options;
  await makeDirectories(opening);
  const limits = limitsOf(options);
  const codec = new BlockCodec({ compression: options.compression ?? 'zstd', keys: options.keys ?? [] });
  const quarantine = new Quarantine(fileSystem, directory, limits.quarantineBytes);
  const cursorFile = new CursorFile(fileSystem, directory);
  const cursors = await cursorFile.read();
  const gapCopies = new GapCopies({ fileSystem, codec, directory }, limits.gapCopiesBytes);
  const committedOffset = Math.max(cursors.record?.nextOffset ?? 0, await gapCopies.open());
  const recovered = await recover({ fileSystem, codec, directory, quarantine, cursors, committedOffset, onEvent });
  if (cursors.damaged > 0) onEvent({ level: 'warn', event: 'cursors damaged', fields: { slots: cursors.damaged } });
  await lock.sign();
  await quarantine.open();
  const { segments, suspects, lastCommitMs } = recovered;
  const runMs = Math.max(cursors.record?.runMs ?? 0, ...segments.map(({ head }) => head?.runMs ?? 0));
  const runningTime = new RunningTime(runMs, monotonicMs);
  const { segmentBytes } = limits;
  const store = new SegmentStore({
    ...{ ...recovered, fileSystem, codec, directory, segmentBytes, nowMs },
    runMs: () => runningTime.nowMs(),
  });
  return new LogSpool({
    ...{ ...opening, limits, codec, store, cursorFile, gapCopies, quarantine, suspects, lastCommitMs, runningTime },
    cursors: cursors.record,
  });
}

/** With what an older gateway left in the directory of the spool itself. */
async function makeDirectories({ options, spoolDirectory, fileSystem }: Opening): Promise<void> {
  const { class: name, directory, onEvent } = options;
  await fileSystem.makeDirectory(directory);
  await fileSystem.syncDirectory(spoolDirectory);
  for (const left of await fileSystem.list(directory)) if (isReplacement(left)) await fileSystem.remove(join(directory, left));
  if (name === 'telemetry') {
    await tellForeignFiles({ options, spoolDirectory, fileSystem });
    await takeOverOldLog({ fileSystem, directory: spoolDirectory, to: directory, onEvent });
  }
}

type Looking = Pick<Opening, 'options' | 'spoolDirectory' | 'fileSystem'>;

async function tellForeignFiles({ options, spoolDirectory, fileSystem }: Looking): Promise<void> {
  for (const directory of [spoolDirectory, options.directory]) {
    for (const name of await fileSystem.list(directory)) {
      const isLog = parseSegmentName(name) !== undefined || CursorFile.isSlot(name) || GapCopies.isFile(name);
      const isOurs = isLog || isLockFile(name);
      if (!isOurs) options.onEvent({ level: 'warn', event: 'foreign file ignored', fields: { path: join(directory, name) } });
    }
  }
}
