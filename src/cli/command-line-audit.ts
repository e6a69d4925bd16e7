import { mkdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fields } from '../audit/audit-line.ts';
import { openAuditLog } from '../audit/audit-log.ts';
import { commandLineAuditDirectory } from '../gateway/audit.ts';
import { GatewayError } from '../model/error.ts';
import { systemClock } from '../runtime/clock.ts';
import { lockDirectory, type OwnerLock } from '../spool/owner-lock.ts';

/** So long is another command waited for that writes there. */
const LOCK_TRIES = 50;
const LOCK_TRY_MS = 100;

/**
 * Writes down what was done at the command line, by whom, in a chain of its own: that of the gateway belongs to the gateway, which may run.
 * Where it cannot be written that is said, and nothing else is done about it.
 */
export async function auditCommandLine(stateDirectory: string, kind: string, fields: Fields): Promise<void> {
  try {
    await append(commandLineAuditDirectory(stateDirectory), kind, { by: whoAsks(), ...fields });
  } catch (error) {
    process.stderr.write(`not in the audit log: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}

/** The user of the machine; behind `sudo` the one who called it. */
export function whoAsks(): string {
  const { username } = userInfo();
  const caller = process.env.SUDO_USER;
  return caller === undefined || caller === '' ? username : `${caller} as ${username}`;
}

async function append(directory: string, kind: string, fields: Fields): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o750 });
  const lock = await lockSoon(directory);
  try {
    const log = await openAuditLog({ directory, nowMs: () => systemClock.nowMs() });
    const place = log.append(kind, fields);
    await log.close();
    if ((await place) === undefined) throw new Error(log.status().error ?? 'it could not be written');
  } finally {
    await lock.release();
  }
}

async function lockSoon(directory: string): Promise<OwnerLock> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await lockDirectory(directory);
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== 'SPOOL_BUSY' || tries === LOCK_TRIES) throw error;
      await sleep(LOCK_TRY_MS);
    }
  }
}
