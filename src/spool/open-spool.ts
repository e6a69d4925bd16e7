import { join } from 'node:path';
import { GatewayError } from '../model/error.ts';
import { MESSAGE_CLASSES, type MessageClass } from '../model/twin-message.ts';
import { BlockCodec } from './block.ts';
import type { ClassLog } from './class-log.ts';
import { ClassedSpool } from './classed-spool.ts';
import { toSpoolError } from './disk-error.ts';
import { DiskNews } from './disk-news.ts';
import { diskFileSystem, type FileSystem } from './file-system.ts';
import { FreeSpace } from './free-space.ts';
import { openClass } from './open-class.ts';
import { lockDirectory, type OwnerLock } from './owner-lock.ts';
import { listSegments } from './segment-list.ts';
import type { Spool } from './spool.ts';
import { logOptionsOf, type SpoolOptions } from './spool-options.ts';
import { Turns } from './turns.ts';

/**
 * Opens the spool in a directory, which is made when it is missing. Rejects with SPOOL_BUSY when another process owns it; with
 * SPOOL_CORRUPT, and nothing touched, when a newer gateway wrote it; with SPOOL_LOCKED when a key is missing; with SPOOL_WRITE when
 * the directory cannot be made or belongs to somebody else. Damage is never a reason not to open: what is missing is declared, what
 * cannot be read is set aside. A disk that is full, read-only or failing is none either: the spool starts `degraded` and heals by
 * itself.
 *
 * The directory: `owner.pid`, and for each class a directory of its name with its log (open-class.ts). Anything else is left alone.
 */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { directory, hubs, fileSystem = diskFileSystem } = options;
  const lock = await lockMade(fileSystem, directory);
  const release = () => lock.release();
  const turns = new Turns(directory);
  try {
    await refuseWhatIsNotOurs(options, fileSystem);
    return new ClassedSpool({ logs: await openAll(options, fileSystem, turns, lock), hubs, turns, release });
  } catch (error) {
    await release();
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

/** Before anything is touched: what a newer gateway wrote, or what a missing key encrypted. Whatever else is wrong shows later. */
async function refuseWhatIsNotOurs({ directory, keys = [] }: SpoolOptions, fileSystem: FileSystem): Promise<void> {
  const codec = new BlockCodec({ compression: 'none', keys });
  for (const one of [directory, ...MESSAGE_CLASSES.map((name) => join(directory, name))]) {
    await listSegments({ fileSystem, codec, directory: one }).catch((error: unknown) => {
      if (error instanceof GatewayError) throw error;
    });
  }
}

type Logs = Readonly<Record<MessageClass, ClassLog>>;

/** All or none. */
async function openAll(options: SpoolOptions, fileSystem: FileSystem, turns: Turns, lock: OwnerLock): Promise<Logs> {
  const { directory, onEvent, keepFreeBytes = 0, monotonicMs = () => performance.now() } = options;
  const news = new DiskNews(onEvent);
  const freeSpace = new FreeSpace({ fileSystem, directory, keepFreeBytes, monotonicMs, onEvent });
  const logs: Partial<Record<MessageClass, ClassLog>> = {};
  try {
    for (const name of MESSAGE_CLASSES) {
      const logOptions = { ...logOptionsOf(options, name), onEvent: news.of(name) };
      logs[name] = await openClass({ options: logOptions, spoolDirectory: directory, fileSystem, turns, lock, freeSpace });
    }
    return logs as Logs;
  } catch (error) {
    for (const log of Object.values(logs)) await log.close();
    throw error;
  }
}
