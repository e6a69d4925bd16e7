import { mkdir, open, readdir, readFile, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** When the gateway last ran, as far as the disk knows; UTC, milliseconds since 1970. */
export interface SignOfLife {
  readonly timeMs: number;
  /** It stopped then, in order: nothing was under way. */
  readonly isStopped: boolean;
  /** What came after it waited in memory: that something newer is on disk says nothing. */
  readonly isHeld?: true;
}

export async function readSign(path: string): Promise<SignOfLife | undefined> {
  try {
    const { timeMs, isStopped, isHeld } = JSON.parse(await readFile(path, 'utf8')) as Partial<SignOfLife>;
    if (!Number.isSafeInteger(timeMs)) return undefined;
    return { timeMs: Number(timeMs), isStopped: isStopped === true, ...(isHeld === true ? { isHeld } : {}) };
  } catch {
    return undefined;
  }
}

/** A few bytes, one write and one fdatasync; whole or not at all. What cannot be written costs accuracy, nothing else. */
export async function writeSign(path: string, sign: SignOfLife): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(`${path}.new`, 'w', 0o640);
    try {
      await file.writeFile(JSON.stringify(sign));
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
  } catch {
    // The newest segment of the spool tells, too.
  }
}

/** When a segment of the spool was last written; `undefined` where there is none. */
export async function lastSegmentWrite(spoolDirectory: string): Promise<number | undefined> {
  const files = await readdir(spoolDirectory, { recursive: true, withFileTypes: true }).catch(() => []);
  const segments = files.filter((file) => file.isFile() && /^segment-\d+\.log$/.test(file.name));
  const times = await Promise.all(
    segments.map(({ parentPath, name }) =>
      stat(join(parentPath, name)).then(
        ({ mtimeMs }) => Math.floor(mtimeMs),
        () => 0,
      ),
    ),
  );
  return times.length === 0 ? undefined : Math.max(...times);
}
