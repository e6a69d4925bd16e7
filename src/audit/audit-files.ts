import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditPlace } from './audit-line.ts';

const NAME = /^audit-\d{12}\.jsonl$/;
const HEAD = 'head.json';

/** Named by the first sequence number in it. */
export function fileName(sequence: number): string {
  return `audit-${String(sequence).padStart(12, '0')}.jsonl`;
}

/** Names of the files of the log, oldest first; none where there is no such directory. */
export async function listFiles(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => NAME.test(name)).toSorted();
}

export type Head = AuditPlace | 'missing' | 'damaged';

/** What was durable when it was written. It is written after the log, so it is never ahead of it. */
export async function readHead(directory: string): Promise<Head> {
  const text = await readFile(join(directory, HEAD), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return 'missing';
  const [, sequence, hash] = /^\{"sequence":"(\d{16})","hash":"([0-9a-f]{64})"\}\n$/.exec(text) ?? [];
  return sequence === undefined || hash === undefined ? 'damaged' : { sequence: Number(sequence), hash };
}

/** Always as long, so that it is written over in place. */
export async function writeHead(directory: string, { sequence, hash }: AuditPlace): Promise<void> {
  const text = `{"sequence":"${String(sequence).padStart(16, '0')}","hash":"${hash}"}\n`;
  const file = await openOrCreate(join(directory, HEAD));
  try {
    await file.truncate(text.length);
    await file.write(text, 0);
  } finally {
    await file.close();
  }
}

export async function openOrCreate(path: string) {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return open(path, 'wx+', 0o640);
  }
}

export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
