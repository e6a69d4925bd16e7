import { type SchedulerLike, Subject } from 'rxjs';
import type { DeviceEvent } from '../model/device-event.ts';
import type { DeviceGap, UnmeasuredReason } from '../model/device-gap.ts';
import type { Draft } from '../model/draft.ts';
import { toGatewayError } from '../model/error.ts';
import type { DevicePlan, GatewayIdentity } from '../model/plan.ts';
import type { Batch, Reading } from '../model/reading.ts';
import type { UnmeasuredCount } from '../model/status.ts';
import type { ClockDoubt } from '../model/twin-message.ts';
import { eventDraft } from '../pipeline/event-message.ts';
import { gapDraft } from '../pipeline/gap-message.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Log } from '../runtime/log.ts';
import type { Spool } from '../spool/spool.ts';

export interface DeviceOptions {
  readonly device: DevicePlan;
  readonly gateway: Pick<GatewayIdentity, 'id' | 'labels'>;
  readonly pipeline: Pipeline;
  /** Makes `pipeline` send what it has open. */
  readonly flush?: () => void;
  /** Takes what the device tells from its own history. */
  readonly historyPipeline: Pipeline;
  readonly spool: Pick<Spool, 'append'>;
  /** What a message has to say of the clock that it was stamped by. */
  readonly doubt?: () => ClockDoubt | undefined;
  readonly scheduler: Pick<SchedulerLike, 'now'>;
  readonly log: Log;
}

export type Unmeasured = Readonly<Partial<Record<UnmeasuredReason, UnmeasuredCount>>>;

/** The way of what one device tells into the spool. */
export interface RunningDevice {
  take(batch: Pick<Batch, 'readings' | 'isHistory'>): void;
  tell(event: DeviceEvent): void;
  /** What was not measured: its gap record comes after the messages of all readings taken before. */
  declare(gap: Omit<DeviceGap, 'device'>): void;
  /** Open messages are sent as they are. */
  flush(): void;
  /** What `declare` was given since start. */
  unmeasured(): Unmeasured;
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
  const { device, gateway, pipeline, historyPipeline, spool, scheduler, log, flush = () => {} } = options;
  const { doubt = () => undefined } = options;
  const appending = new Set<Promise<void>>();
  let messages = 0;
  let failures = 0;
  let isRefusalTold = false;
  const unmeasured: Partial<Record<UnmeasuredReason, UnmeasuredCount>> = {};

  /** What the spool refuses when it is closed it counts itself: one line is enough, and a stack only for what nobody expects. */
  const tellFailed = (error: unknown): void => {
    const { code, message, rule } = toGatewayError(error, device.twin);
    if (code === 'BUG') log.error('append failed', { device: device.twin, error });
    else if (!isRefusalTold) log.error('append failed', { device: device.twin, code, reason: message, action: rule.action });
    isRefusalTold = true;
  };
  const keep = (draft: Draft): void => {
    messages += 1;
    const clock = doubt();
    const { message, hubs } = draft;
    const append = spool
      .append([clock === undefined ? draft : { message: { ...message, clock }, hubs }])
      .catch((error: unknown) => {
        failures += 1;
        tellFailed(error);
      });
    appending.add(append);
    void append.finally(() => appending.delete(append));
  };
  const onFailure = (error: unknown, readings: readonly Reading[]): void => {
    failures += 1;
    log.error('pipeline failed', { device: device.twin, readings: readings.length, error });
    keep({ message: gapOf(device, readings, scheduler.now()), hubs: device.hubs.gap });
  };
  const live = runPipeline(pipeline, keep, onFailure);
  const history = runPipeline(historyPipeline, keep, onFailure);

  return {
    take: ({ readings, isHistory }) => (isHistory === true ? history : live).take(readings),
    tell: (event) => {
      try {
        const draft = eventDraft(device, event, gateway);
        if (draft !== undefined) keep(draft);
      } catch (error) {
        failures += 1;
        log.error('event failed', { device: device.twin, name: event.name, error });
      }
    },
    declare: (gap) => {
      const { records, readings } = unmeasured[gap.reason] ?? { records: 0, readings: 0 };
      unmeasured[gap.reason] = { records: records + 1, readings: readings + gap.readings };
      flush();
      keep(gapDraft(device, gap));
    },
    flush,
    unmeasured: () => unmeasured,
    messages: () => messages,
    failures: () => failures,
    complete: async () => {
      history.complete();
      live.complete();
      await Promise.all(appending);
    },
  };
}

/** Begins anew with the next readings after a failure. */
function runPipeline(
  pipeline: Pipeline,
  keep: (draft: Draft) => void,
  onFailure: (error: unknown, underWay: readonly Reading[]) => void,
) {
  const source = new Subject<readonly Reading[]>();
  let underWay: readonly Reading[] = [];
  const fail = (error: unknown): void => {
    onFailure(error, underWay);
    begin();
  };
  const begin = (): void => void pipeline(source).subscribe({ next: keep, error: fail });
  begin();
  return {
    take: (readings: readonly Reading[]): void => {
      underWay = readings;
      source.next(readings);
      underWay = [];
    },
    complete: () => source.complete(),
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
