import { join } from 'node:path';
import { type DeviceGap, whatIsMissed } from '../model/device-gap.ts';
import type { DevicePlan, GatewayPlan } from '../model/plan.ts';
import type { Point } from '../model/point.ts';
import type { Batch } from '../model/reading.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { lastSegmentWrite, readSign, type SignOfLife, writeSign } from '../runtime/sign-of-life.ts';

/** The sign of life is written so often: some 6 MB a day on flash. */
const SIGN_EVERY_MS = 60_000;
/** A clock that is behind the last sign of life is taken to be wrong for so long. */
const WAIT_FOR_CLOCK_MS = 600_000;

export interface GatewayOffOptions {
  readonly plan: GatewayPlan;
  readonly stateDirectory: string;
  readonly clock: Clock;
  readonly log: Log;
  /** How often a reading of the point is due, milliseconds; `undefined` where nobody can know. */
  readonly dueEveryMs: (point: Point, device: DevicePlan) => number | undefined;
  readonly declare: (twin: string, gap: Omit<DeviceGap, 'device'>) => void;
  /** Whether the disk takes what is measured. While it does not, the gateway gives no sign of life: an end would lose what waits. */
  readonly isKept: () => boolean;
}

interface Waiting {
  readonly device: DevicePlan;
  /** When it was heard of first, on the monotonic clock; `undefined`: not yet. */
  backMs: number | undefined;
}

/** To be asked before the spool is opened, which may write. */
export async function lastSign(plan: GatewayPlan, stateDirectory: string): Promise<SignOfLife | undefined> {
  const sign = await readSign(fileIn(stateDirectory));
  if (sign?.isStopped === true) return sign;
  const writtenMs = await lastSegmentWrite(plan.spool.directory);
  if (sign === undefined && writtenMs === undefined) return undefined;
  return { timeMs: Math.max(sign?.timeMs ?? 0, writtenMs ?? 0), isStopped: false };
}

/** With what the spool tells: after a power cut its messages are newer than the times of its files. */
export function withLastCommit(sign: SignOfLife | undefined, committedMs: number | undefined): SignOfLife | undefined {
  if (sign === undefined || sign.isStopped || committedMs === undefined) return sign;
  return { ...sign, timeMs: Math.max(sign.timeMs, committedMs) };
}

/**
 * The time in which the gateway itself was off was not measured either: from its last sign of life, less what may have been under
 * way then, to the first word of each device, or to the start where that is not a reading. While the clock on the wall is behind the
 * last sign of life it is wrong, and nothing is said until it is right.
 */
export class GatewayOff {
  readonly #options: GatewayOffOptions;
  readonly #last: SignOfLife | undefined;
  readonly #waiting: Map<string, Waiting>;
  readonly #startedMs: number;

  constructor(last: SignOfLife | undefined, options: GatewayOffOptions) {
    this.#options = options;
    this.#last = last;
    this.#startedMs = options.clock.monotonicMs();
    const devices = last === undefined ? [] : options.plan.devices;
    this.#waiting = new Map(devices.map((device) => [device.twin, { device, backMs: undefined }]));
  }

  /** To be called with each batch before it is handed on. */
  see({ device, readings, isHistory }: Batch): void {
    const waiting = this.#waiting.size === 0 ? undefined : this.#waiting.get(device);
    if (waiting === undefined || isHistory === true) return;
    const isMeasured = readings.some(({ quality }) => quality !== 'bad');
    waiting.backMs ??= isMeasured ? this.#options.clock.monotonicMs() : this.#startedMs;
    this.#tell(waiting);
  }

  /** Writes the sign of life until the signal is aborted. Resolves when the first was written. */
  async begin(signal: AbortSignal): Promise<void> {
    await this.#sign();
    void this.#run(signal);
  }

  /** Everything was kept up to `timeMs`, if the disk took it. */
  async stopped(timeMs: number): Promise<void> {
    if (!this.#options.isKept()) return;
    await writeSign(fileIn(this.#options.stateDirectory), { timeMs, isStopped: true });
  }

  /** Of devices that have said nothing, too. */
  tellAll(): void {
    for (const waiting of this.#waiting.values()) {
      waiting.backMs ??= this.#startedMs;
      this.#tell(waiting, { isLast: true });
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(SIGN_EVERY_MS, signal).catch(() => {});
      if (signal.aborted) return;
      await this.#sign();
      const isLast = clock.monotonicMs() - this.#startedMs >= WAIT_FOR_CLOCK_MS;
      for (const waiting of this.#waiting.values()) {
        waiting.backMs ??= this.#startedMs;
        this.#tell(waiting, { isLast });
      }
    }
  }

  async #sign(): Promise<void> {
    const { stateDirectory, clock, isKept } = this.#options;
    if (isKept()) await writeSign(fileIn(stateDirectory), { timeMs: clock.nowMs(), isStopped: false });
  }

  #tell({ device, backMs = this.#startedMs }: Waiting, { isLast = false } = {}): void {
    const { clock, declare, log } = this.#options;
    const nowMs = clock.nowMs();
    const fromTimeMs = this.#fromTimeMs(device);
    const backTimeMs = Math.round(nowMs - (clock.monotonicMs() - backMs));
    const isWrong = nowMs < fromTimeMs;
    if (isWrong && !isLast) return;
    this.#waiting.delete(device.twin);
    if (isWrong) log.warn('clock behind the last sign of life', { twin: device.twin, last: new Date(fromTimeMs).toISOString() });
    const times = isWrong
      ? { fromTimeMs: backTimeMs, toTimeMs: backTimeMs }
      : { fromTimeMs, toTimeMs: Math.max(fromTimeMs, backTimeMs) };
    const readings = this.#dueIn(device, times.toTimeMs - times.fromTimeMs);
    declare(device.twin, { reason: 'gateway-off', points: whatIsMissed(device), ...times, readings });
  }

  #dueIn(device: DevicePlan, forMs: number): number {
    const every = device.points.map(({ point }) => this.#options.dueEveryMs(point, device) ?? Number.POSITIVE_INFINITY);
    return every.reduce((sum, everyMs) => sum + Math.floor(forMs / everyMs), 0);
  }

  /** What was in an open message, or waited for its commit, when the gateway was killed, is gone. */
  #fromTimeMs({ message }: DevicePlan): number {
    const { timeMs = 0, isStopped = true } = this.#last ?? {};
    return isStopped ? timeMs : timeMs - message.maxAgeMs - this.#options.plan.spool.commitWindowMs;
  }
}

function fileIn(stateDirectory: string): string {
  return join(stateDirectory, 'sign-of-life.json');
}
