import { type SchedulerLike, Subject } from 'rxjs';
import type { Draft } from './model/draft.ts';
import type { DevicePlan } from './model/plan.ts';
import type { Reading } from './model/reading.ts';
import type { Pipeline } from './pipeline/pipeline.ts';
import type { Log } from './runtime/log.ts';
import type { Spool } from './spool/spool.ts';

export interface DeviceOptions {
  readonly device: DevicePlan;
  readonly pipeline: Pipeline;
  readonly spool: Pick<Spool, 'append'>;
  readonly scheduler: Pick<SchedulerLike, 'now'>;
  readonly log: Log;
}

/** The way of one device's readings into the spool. */
export interface RunningDevice {
  take(readings: readonly Reading[]): void;
  /** Messages made since start. */
  messages(): number;
  /** How often its pipeline failed and was begun anew, since start. */
  failures(): number;
  /** Resolves when the last message is on disk. Idempotent. */
  complete(): Promise<void>;
}

/**
 * An error in the pipeline is a bug, but the bug of one device: what was under way is told in a gap record, and the pipeline
 * begins anew with the next readings.
 */
export function startDevice(options: DeviceOptions): RunningDevice {
  const { device, pipeline, spool, scheduler, log } = options;
  const source = new Subject<readonly Reading[]>();
  const appending = new Set<Promise<void>>();
  let underWay: readonly Reading[] = [];
  let messages = 0;
  let failures = 0;

  const keep = (draft: Draft): void => {
    messages += 1;
    const append = spool.append([draft]).catch((error: unknown) => {
      failures += 1;
      log.error('append failed', { device: device.twin, error });
    });
    appending.add(append);
    void append.finally(() => appending.delete(append));
  };
  const fail = (error: unknown): void => {
    failures += 1;
    log.error('pipeline failed', { device: device.twin, readings: underWay.length, error });
    keep({ message: gapOf(device, underWay, scheduler.now()), hubs: device.hubs.gap });
    begin();
  };
  const begin = (): void => void pipeline(source).subscribe({ next: keep, error: fail });

  begin();
  return {
    take: (readings) => {
      underWay = readings;
      source.next(readings);
      underWay = [];
    },
    messages: () => messages,
    failures: () => failures,
    complete: async () => {
      source.complete();
      await Promise.all(appending);
    },
  };
}

/** What the failed pipeline was given; what its operators held back besides is not known any more. */
function gapOf({ twin, model }: DevicePlan, readings: readonly Reading[], nowMs: number): Draft['message'] {
  const times = readings.map(({ sourceTimeMs }) => sourceTimeMs);
  const fromTimeMs = times.length === 0 ? nowMs : Math.min(...times);
  const toTimeMs = times.length === 0 ? nowMs : Math.max(...times);
  const points = [...new Set(readings.map(({ point }) => point.name))];
  return {
    twin,
    ...(model === undefined ? {} : { model }),
    kind: 'gap',
    startTimeMs: fromTimeMs,
    values: {},
    gap: { reason: 'pipeline-failed', fromTimeMs, toTimeMs, messages: 0, readings: readings.length, points },
  };
}
