import { BlockCodec } from './block.ts';
import { Counters } from './counters.ts';
import { CursorFile } from './cursor-file.ts';
import { mayHeal, toSpoolError } from './disk-error.ts';
import { diskFileSystem, type FileSystem } from './file-system.ts';
import { Intake } from './intake.ts';
import { LateSpool } from './late-spool.ts';
import { LogSpool } from './log-spool.ts';
import { isLockFile, lockDirectory, type OwnerLock } from './owner-lock.ts';
import { Quarantine } from './quarantine.ts';
import { recover } from './recovery.ts';
import { RunningTime } from './running-time.ts';
import { parseSegmentName } from './segment.ts';
import { SegmentStore } from './segment-store.ts';
import type { Spool, SpoolEvent } from './spool.ts';
import { limitsOf, type SpoolOptions } from './spool-options.ts';

interface Opening {
  readonly options: SpoolOptions;
  readonly fileSystem: FileSystem;
  readonly lock: OwnerLock;
  readonly intake: Intake;
  readonly counters: Counters;
}

/**
 * Opens the spool in a directory, which is made when it is missing. Rejects with SPOOL_BUSY when another process owns it; with
 * SPOOL_CORRUPT, and nothing touched, when a newer gateway wrote it; with SPOOL_LOCKED when a key is missing; with SPOOL_WRITE when the directory cannot be made or
 * belongs to somebody else. Damage is never a reason not to open: what is missing is declared, what cannot be read is set
 * aside. A disk that is full, read-only or failing is none either: the spool starts `degraded` and heals by itself.
 *
 * The directory: `segment-*.log` (segment.ts, block.ts, frame.ts), `cursors-a` and `cursors-b` (cursor-file.ts), `quarantine/`,
 * `owner.pid`. Anything else is left alone.
 */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { directory, fileSystem = diskFileSystem } = options;
  const lock = await lockMade(fileSystem, directory);
  const counters = new Counters();
  const intake = new Intake(options, limitsOf(options), counters);
  const opening: Opening = { options, fileSystem, lock, intake, counters };
  const openLog = () => openOwned(opening);
  const release = () => lock.release();
  try {
    return await openLog();
  } catch (error) {
    if (mayHeal(error)) return new LateSpool({ options, intake, counters, openLog, release, firstError: error });
    await lock.release();
    throw toSpoolError(error, directory);
  }
}

async function lockMade(fileSystem: FileSystem, directory: string): Promise<OwnerLock> {
  try {
    await fileSystem.makeDirectory(directory);
    return fileSystem === diskFileSystem ? await lockDirectory(directory) : NO_LOCK;
  } catch (error) {
    throw toSpoolError(error, directory);
  }
}

/** A simulated disk has no other processes. */
const NO_LOCK: OwnerLock = { sign: async () => {}, release: async () => {} };

async function openOwned({ options, fileSystem, lock, intake, counters }: Opening): Promise<Spool> {
  const { directory, onEvent, nowMs = Date.now, monotonicMs = () => performance.now() } = options;
  const limits = limitsOf(options);
  const codec = new BlockCodec({ compression: options.compression ?? 'zstd', keys: options.keys ?? [] });
  const quarantine = new Quarantine(fileSystem, directory, limits.quarantineBytes);
  const cursorFile = new CursorFile(fileSystem, directory);
  await tellForeignFiles(fileSystem, directory, onEvent);
  const cursors = await cursorFile.read();
  const recovered = await recover({ fileSystem, codec, directory, quarantine, cursors, onEvent });
  if (cursors.damaged > 0) onEvent({ level: 'warn', event: 'cursors damaged', fields: { slots: cursors.damaged } });
  await lock.sign();
  await quarantine.open();
  const { segments, suspects } = recovered;
  const runMs = Math.max(cursors.record?.runMs ?? 0, ...segments.map(({ head }) => head?.runMs ?? 0));
  const runningTime = new RunningTime(runMs, monotonicMs);
  const { segmentBytes } = limits;
  const store = new SegmentStore({
    ...{ ...recovered, fileSystem, codec, directory, segmentBytes, nowMs },
    runMs: () => runningTime.nowMs(),
  });
  return new LogSpool({
    class: 'telemetry',
    ...{ options, limits, fileSystem, codec, store, cursorFile, quarantine, suspects, runningTime, intake, counters },
    cursors: cursors.record,
    release: () => lock.release(),
  });
}

async function tellForeignFiles(fileSystem: FileSystem, directory: string, onEvent: (event: SpoolEvent) => void): Promise<void> {
  for (const name of await fileSystem.list(directory)) {
    const isOurs = parseSegmentName(name) !== undefined || CursorFile.isSlot(name) || isLockFile(name);
    if (!isOurs) onEvent({ level: 'warn', event: 'foreign file ignored', fields: { name } });
  }
}
