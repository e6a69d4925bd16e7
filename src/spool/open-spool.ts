import { CursorFile } from './cursor-file.ts';
import { diskFileSystem, type FileSystem } from './file-system.ts';
import { LogSpool } from './log-spool.ts';
import { isLockFile, lockDirectory, type OwnerLock } from './owner-lock.ts';
import { Quarantine } from './quarantine.ts';
import { recover } from './recovery.ts';
import { parseSegmentName } from './segment.ts';
import { SegmentStore } from './segment-store.ts';
import type { Spool, SpoolEvent } from './spool.ts';
import { limitsOf, type SpoolOptions } from './spool-options.ts';

/**
 * Opens the spool in a directory, which is made when it is missing. Throws SPOOL_BUSY when another process owns it, and
 * SPOOL_CORRUPT, with nothing touched, when a newer gateway wrote it. Damage is never a reason not to open: what is missing
 * is declared, what cannot be read is set aside.
 *
 * The directory: `segment-*.log` (segment.ts, frame.ts), `cursors-a` and `cursors-b` (cursor-file.ts), `quarantine/`,
 * `owner.pid`. Anything else is left alone.
 */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const fileSystem = options.fileSystem ?? diskFileSystem;
  await fileSystem.makeDirectory(options.directory);
  const lock = fileSystem === diskFileSystem ? await lockDirectory(options.directory) : NO_LOCK;
  try {
    return await openOwned(options, fileSystem, lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** A simulated disk has no other processes. */
const NO_LOCK: OwnerLock = { release: async () => {} };

async function openOwned(options: SpoolOptions, fileSystem: FileSystem, lock: OwnerLock): Promise<Spool> {
  const { directory, onEvent, nowMs = Date.now } = options;
  const limits = limitsOf(options);
  const quarantine = new Quarantine(fileSystem, directory, limits.quarantineBytes);
  const cursorFile = new CursorFile(fileSystem, directory);
  const { record: cursors, damaged } = await cursorFile.read();
  if (damaged > 0) onEvent({ level: 'warn', event: 'cursors damaged', fields: { slots: damaged } });
  const recovered = await recover({ fileSystem, directory, quarantine, cursors, onEvent });
  await quarantine.open();
  await tellForeignFiles(fileSystem, directory, onEvent);
  const store = new SegmentStore({ ...recovered, fileSystem, directory, segmentBytes: limits.segmentBytes, nowMs });
  const release = () => lock.release();
  const { suspects } = recovered;
  return new LogSpool({ options, fileSystem, store, cursorFile, quarantine, cursors, suspects, release });
}

async function tellForeignFiles(fileSystem: FileSystem, directory: string, onEvent: (event: SpoolEvent) => void): Promise<void> {
  for (const name of await fileSystem.list(directory)) {
    const isOurs = parseSegmentName(name) !== undefined || CursorFile.isSlot(name) || isLockFile(name);
    if (!isOurs) onEvent({ level: 'warn', event: 'foreign file ignored', fields: { name } });
  }
}
