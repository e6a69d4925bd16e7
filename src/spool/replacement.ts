import { type File, type FileSystem, writeAll } from './file-system.ts';

const REPLACEMENT = /^(segment-\d{16}\.log|gap-copies)\.new$/;

/** Where a file is written that is to take the place of another: beside it, durable before it is renamed. */
export function replacementPath(path: string): string {
  return `${path}.new`;
}

/** Was being written when the gateway was killed; it means nothing. */
export function isReplacement(name: string): boolean {
  return REPLACEMENT.test(name);
}

/** Durable when it resolves, and open. Leaves nothing behind when it fails, as far as the disk lets it. */
export async function writeReplacement(
  fileSystem: FileSystem,
  path: string,
  parts: Iterable<Buffer> | AsyncIterable<Buffer>,
): Promise<{ readonly file: File; readonly bytes: number }> {
  const replacement = replacementPath(path);
  let file: File | undefined;
  try {
    file = await fileSystem.open(replacement, 'create');
    let at = 0;
    for await (const part of parts) {
      await writeAll(file, part, at);
      at += part.length;
    }
    await file.datasync();
    return { file, bytes: at };
  } catch (error) {
    await file?.close().catch(() => {});
    await fileSystem.remove(replacement).catch(() => {});
    throw error;
  }
}
