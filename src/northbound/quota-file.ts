import { readFile, rename, writeFile } from 'node:fs/promises';
import type { QuotaRecord } from './daily-quota.ts';

/** What was used of a quota, kept over restarts. A count that cannot be read or written costs accuracy, nothing else. */
export async function readQuota(path: string): Promise<QuotaRecord | undefined> {
  try {
    const { day, used } = JSON.parse(await readFile(path, 'utf8')) as Partial<QuotaRecord>;
    return Number.isSafeInteger(day) && Number.isSafeInteger(used) ? { day: Number(day), used: Number(used) } : undefined;
  } catch {
    return undefined;
  }
}

export async function writeQuota(path: string, record: QuotaRecord): Promise<void> {
  try {
    await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o640 });
    await rename(`${path}.new`, path);
  } catch {
    // The count goes on in memory.
  }
}
