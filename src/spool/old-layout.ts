import { join } from 'node:path';
import { CursorFile } from './cursor-file.ts';
import type { FileSystem } from './file-system.ts';
import { parseSegmentName } from './segment.ts';
import type { SpoolEvent } from './spool.ts';

export interface OldLayout {
  readonly fileSystem: FileSystem;
  /** Of the spool. */
  readonly directory: string;
  /** Where the log is to go. */
  readonly to: string;
  readonly onEvent: (event: SpoolEvent) => void;
}

/**
 * Before messages had classes, their one log lay in the directory of the spool itself. It becomes the log of a class as it is,
 * whatever kinds of messages it holds. The cursors are moved last: as long as they are missing there, the rest is moved on
 * after a crash. A log that an older gateway began anew, after a newer one had run, is left where it is, and told.
 */
export async function takeOverOldLog({ fileSystem, directory, to, onEvent }: OldLayout): Promise<void> {
  const names = await fileSystem.list(directory);
  const segments = names.filter((name) => parseSegmentName(name) !== undefined).toSorted();
  const cursors = names.filter(CursorFile.isSlot);
  if (segments.length + cursors.length === 0) return;
  if (segments.length > 0 && (await fileSystem.list(to)).some(CursorFile.isSlot)) {
    onEvent({ level: 'error', event: 'old log ignored', fields: { directory, segments: segments.length } });
    return;
  }
  const quarantined = await fileSystem.list(join(directory, 'quarantine')).catch(() => []);
  if (quarantined.length > 0) await fileSystem.makeDirectory(join(to, 'quarantine'));
  const moves = [...quarantined.map((name) => join('quarantine', name)), ...segments];
  for (const some of [moves, cursors]) {
    for (const name of some) await fileSystem.rename(join(directory, name), join(to, name));
    await fileSystem.syncDirectory(to);
    await fileSystem.syncDirectory(directory);
  }
  onEvent({ level: 'info', event: 'old log taken over', fields: { directory: to, segments: segments.length } });
}
