import { isMap, type JsonMap } from './read-json.ts';

/** A job as AWS shows it. */
export interface Execution {
  readonly key: string;
  readonly jobId: string;
  readonly status: string;
  readonly version: number;
  readonly document: unknown;
  /** UTC, milliseconds since 1970; AWS tells whole seconds. */
  readonly queuedTimeMs?: number;
}

/** `undefined` where the answer names no job. */
export function executionOf({ execution }: JsonMap): Execution | undefined {
  if (!isMap(execution)) return undefined;
  const { jobId, executionNumber = 1, status, versionNumber, queuedAt, jobDocument } = execution;
  if (typeof jobId !== 'string' || !/^[a-zA-Z0-9_-]{1,64}$/.test(jobId)) return undefined;
  const key = `job-${jobId}-${String(executionNumber).slice(0, 20)}`;
  return {
    ...{ key, jobId, status: String(status), version: Number(versionNumber), document: jobDocument },
    ...(typeof queuedAt === 'number' && Number.isSafeInteger(queuedAt) ? { queuedTimeMs: queuedAt * 1_000 } : {}),
  };
}
