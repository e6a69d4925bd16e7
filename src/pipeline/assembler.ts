import { Observable, type OperatorFunction, type SchedulerLike } from 'rxjs';
import type { Draft } from '../model/draft.ts';
import type { DevicePlan, GatewayIdentity } from '../model/plan.ts';
import type { Reading } from '../model/reading.ts';
import type { TwinMessage } from '../model/twin-message.ts';
import { isCompound, mapScalars, type Scalar, someScalar } from '../model/value.ts';
import { createAlarm, remainingMs } from './alarm.ts';
import { guarded } from './guarded.ts';
import { OpenMessage } from './open-message.ts';
import { rosterOf } from './roster.ts';

export interface AssemblerOptions {
  /** Whose id and labels every message carries; they count towards its size. */
  readonly gateway?: Pick<GatewayIdentity, 'id' | 'labels'>;
  /** Marks every message as history. */
  readonly isHistory?: true;
  /** Whenever it emits, what is open is sent. */
  readonly flush?: Observable<unknown>;
}

/**
 * Makes twin messages of readings of the points of `device`, as they leave the operators: telemetry and properties apart, each closed by its size, by its age, or when a reading is
 * older than the one before it of the same point. What is open is sent when the source completes or fails.
 */
export function assemble(
  device: DevicePlan,
  scheduler: SchedulerLike,
  options: AssemblerOptions = {},
): OperatorFunction<readonly Reading[], Draft> {
  return (source) =>
    new Observable((subscriber) => {
      const assembler = new Assembler(device, envelopeBytes(device, options.gateway), options.isHistory);
      const send = (drafts: readonly Draft[]): void => {
        for (const draft of drafts) subscriber.next(draft);
      };
      const alarm = createAlarm(scheduler, () => {
        send(assembler.closeOld(scheduler.now()));
        arm();
      });
      const arm = (): void => {
        const delayMs = assembler.delayMs(scheduler.now());
        if (delayMs !== undefined) alarm.within(delayMs);
      };
      subscriber.add(alarm.cancel);
      subscriber.add(options.flush?.subscribe(() => guarded(subscriber, () => send(assembler.closeAll()))));
      subscriber.add(
        source.subscribe({
          next: (readings) =>
            guarded(subscriber, () => {
              send(assembler.take(readings, scheduler.now()));
              arm();
            }),
          complete: () => {
            send(assembler.closeAll());
            subscriber.complete();
          },
          error: (error) => {
            guarded(subscriber, () => send(assembler.closeAll()));
            subscriber.error(error);
          },
        }),
      );
    });
}

class Assembler {
  readonly #device: DevicePlan;
  readonly #telemetry: OpenMessage;
  readonly #property: OpenMessage;
  readonly #mark: Pick<TwinMessage, 'isHistory'>;

  constructor(device: DevicePlan, envelopeBytes: number, isHistory: true | undefined) {
    const roster = rosterOf(device.points);
    this.#device = device;
    this.#telemetry = new OpenMessage('telemetry', roster, envelopeBytes);
    this.#property = new OpenMessage('property', roster, envelopeBytes);
    this.#mark = isHistory === undefined ? {} : { isHistory };
  }

  take(readings: readonly Reading[], nowMs: number): readonly Draft[] {
    const drafts: Draft[] = [];
    for (const reading of readings) {
      if (this.#device.hubs[reading.point.kind].length > 0) this.#takeOne(toSendable(reading), nowMs, drafts);
    }
    return drafts;
  }

  closeOld(nowMs: number): readonly Draft[] {
    return this.#opened()
      .filter((message) => this.#leftMs(message, nowMs) === 0)
      .map((message) => this.#close(message));
  }

  closeAll(): readonly Draft[] {
    return this.#opened().map((message) => this.#close(message));
  }

  /** Until a message is too old; `undefined`: none is open. */
  delayMs(nowMs: number): number | undefined {
    const delays = this.#opened().map((message) => this.#leftMs(message, nowMs));
    return delays.length === 0 ? undefined : Math.min(...delays);
  }

  #takeOne(reading: Reading, nowMs: number, drafts: Draft[]): void {
    const { maxBytes } = this.#device.message;
    const message = reading.point.kind === 'property' ? this.#property : this.#telemetry;
    if (message.take(reading, maxBytes, nowMs)) return;
    if (!message.isEmpty) {
      drafts.push(this.#close(message));
      if (message.take(reading, maxBytes, nowMs)) return;
    }
    message.take(tooLarge(reading), Number.POSITIVE_INFINITY, nowMs);
  }

  #close(message: OpenMessage): Draft {
    return { message: { ...message.close(this.#device), ...this.#mark }, hubs: this.#device.hubs[message.kind] };
  }

  #opened(): readonly OpenMessage[] {
    return [this.#telemetry, this.#property].filter(({ isEmpty }) => !isEmpty);
  }

  #leftMs(message: OpenMessage, nowMs: number): number {
    return remainingMs(message.openedAtMs, this.#device.message.maxAgeMs, nowMs);
  }
}

/** What JSON cannot carry; inside of a compound value it becomes `null` there, and the rest stays. */
function toSendable(reading: Reading): Reading {
  const { value } = reading;
  if (value === null && reading.quality === 'good') return { ...reading, quality: 'bad', status: 'BadNoData' };
  if (!someScalar(value, isUnsendable)) return reading;
  if (isCompound(value)) return { ...reading, value: mapScalars(value, (scalar) => (isUnsendable(scalar) ? null : scalar)) };
  return {
    ...reading,
    value: null,
    quality: 'bad',
    status: reading.quality === 'bad' ? (reading.status ?? NAN_STATUS) : NAN_STATUS,
  };
}

function isUnsendable(scalar: Scalar): boolean {
  return typeof scalar === 'number' && !Number.isFinite(scalar);
}

const NAN_STATUS = 'BadDecodingError';

/** A text or an array that no message can hold. */
function tooLarge(reading: Reading): Reading {
  return { ...reading, value: null, quality: 'bad', status: 'BadEncodingLimitsExceeded' };
}

/** Keys, numbers, times and the epoch of the default shape take less than this beside the names. */
const FIXED_BYTES = 400;
const UNKNOWN_GATEWAY = { id: '-'.repeat(64), labels: {} };

/** What the default shape takes beside its values. The message id repeats the names of gateway and twin. */
export function envelopeBytes(
  { twin, model = '', labels }: DevicePlan,
  gateway: Pick<GatewayIdentity, 'id' | 'labels'> = UNKNOWN_GATEWAY,
): number {
  const allLabels = JSON.stringify({ ...gateway.labels, ...labels });
  return (
    FIXED_BYTES + 2 * Buffer.byteLength(gateway.id) + 2 * Buffer.byteLength(twin) + model.length + Buffer.byteLength(allLabels)
  );
}
