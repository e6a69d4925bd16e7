import { constants } from 'node:fs';
import { chown, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GatewayError } from '../../../src/model/error.ts';

/** No certificate is longer; a chain of them is not either. */
const MAX_BYTES = 64 << 10;

/** Makes the folder. A link in its place would let somebody else say what is read and written there. */
export async function requireFolder(folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause) => notWritten(folder, cause));
  if (made !== undefined) await giveToOwnerOf(dirname(folder), (uid, gid) => chown(folder, uid, gid));
  const found = await lstat(folder);
  if (found.isDirectory()) return;
  throw new GatewayError('LINK_UNTRUSTED', folder, 'is a symbolic link, which is not followed; put a real folder there');
}

export interface FolderContent {
  readonly files: readonly string[];
  /** Symbolic links and whatever else is no plain file; never followed. */
  readonly skipped: readonly string[];
}

/** Paths, in order; nothing of a folder that is not there. */
export async function listFolder(folder: string): Promise<FolderContent> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const paths = (wanted: boolean) =>
    entries
      .filter((entry) => entry.isFile() === wanted && !entry.isDirectory())
      .map(({ name }) => join(folder, name))
      .toSorted();
  return { files: paths(true), skipped: paths(false) };
}

/** Of a plain file that is not too long; rejects for anything else, a symbolic link included. */
export async function readPlainFile(file: string, maxBytes = MAX_BYTES): Promise<Buffer> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    if (!found.isFile() || found.size > maxBytes) throw new Error(`${file} is no plain file of at most ${maxBytes} bytes`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** All or nothing, on disk when it resolves; what stood there, a symbolic link included, is replaced and not followed. */
export async function writePlainFile(file: string, text: string, mode: number): Promise<void> {
  await writeAnew(file, text, mode).catch((cause) => notWritten(file, cause));
}

function notWritten(path: string, cause: Error): never {
  throw new GatewayError('STATE_WRITE', path, `cannot be written: ${cause.message}`, { cause });
}

async function writeAnew(file: string, text: string, mode: number): Promise<void> {
  const temporary = `${file}.new`;
  await rm(temporary, { force: true });
  const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, mode);
  try {
    await handle.writeFile(text);
    await giveToOwnerOf(dirname(file), (uid, gid) => handle.chown(uid, gid));
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

/** What an administrator makes beside the running service is for the service to read. */
async function giveToOwnerOf(folder: string, give: (uid: number, gid: number) => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await lstat(folder);
  await give(uid, gid);
}
