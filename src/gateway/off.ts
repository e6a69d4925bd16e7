import { join } from 'node:path';
import { type DeviceGap, whatIsMissed } from '../model/device-gap.ts';
import type { DevicePlan, GatewayPlan } from '../model/plan.ts';
import type { Point } from '../model/point.ts';
import type { Batch } from '../model/reading.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { lastSegmentWrite, readSign, type SignOfLife, writeSign } from '../runtime/sign-of-life.ts';
import type { SpoolStatus } from '../spool/spool.ts';

/** The sign of life is written so often: some 6 MB a day on flash. */
const SIGN_EVERY_MS = 60_000;
/** So long may messages wait in memory, and others get on disk, before the sign of life says so. */
const LOOK_MS = 250;
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
  /** Whether the disk takes what is measured, of every class. While it does not, the sign of life stays: an end would lose what waits. */
  readonly isKept: () => boolean;
}

interface Waiting {
  /** With what its patterns stand for, where that is known. */
  device: DevicePlan;
  /** When it was heard of first, on the monotonic clock; `undefined`: not yet. */
  backMs: number | undefined;
}

type Times = Pick<DeviceGap, 'fromTimeMs' | 'toTimeMs'>;

/** To be asked before the spool is opened, which may write. */
export async function lastSign(plan: GatewayPlan, stateDirectory: string): Promise<SignOfLife | undefined> {
  const sign = await readSign(fileIn(stateDirectory));
  if (sign?.isStopped === true || sign?.isHeld === true) return sign;
  const writtenMs = await lastSegmentWrite(plan.spool.directory);
  if (sign === undefined && writtenMs === undefined) return undefined;
  return { timeMs: Math.max(sign?.timeMs ?? 0, writtenMs ?? 0), isStopped: false };
}

/** Whether nothing waits in memory, in any class, but what waits for its commit. */
export function isAllKept({ classes }: Pick<SpoolStatus, 'classes'>): boolean {
  return Object.values(classes).every(({ state, isBlocked }) => state === 'ok' && !isBlocked);
}

/** With what the spool tells: after a power cut its messages are newer than the times of its files. */
export function withLastCommit(sign: SignOfLife | undefined, committedMs: number | undefined): SignOfLife | undefined {
  if (sign === undefined || sign.isStopped || sign.isHeld === true || committedMs === undefined) return sign;
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
  /** By twin: what was told before anybody knew what its patterns stand for. */
  readonly #untold = new Map<string, { readonly device: DevicePlan; readonly times: Times }>();
  readonly #startedMs: number;
  /** Everything was kept then. */
  #kept: SignOfLife;
  #isHeld = false;
  /** When the next sign is due, and when everything there was to tell was told; on the monotonic clock. */
  #signMs = 0;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(last: SignOfLife | undefined, options: GatewayOffOptions) {
    this.#options = options;
    this.#last = last;
    this.#startedMs = options.clock.monotonicMs();
    this.#kept = last ?? { timeMs: options.clock.nowMs(), isStopped: false };
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

  /** To be called with what the patterns of a device stand for, before the first batch of these points: they were not measured either. */
  resolved(device: DevicePlan): void {
    const waiting = this.#waiting.get(device.twin);
    if (waiting !== undefined) waiting.device = device;
    const untold = this.#untold.get(device.twin);
    const known = new Set(untold?.device.points.map(({ point }) => point.id));
    const points = device.points.filter(({ point }) => !known.has(point.id));
    if (untold === undefined || points.length === 0) return;
    this.#untold.delete(device.twin);
    const { events: _, ...withoutEvents } = device;
    this.#declare({ ...withoutEvents, points }, untold.times);
  }

  /** Writes the sign of life until the signal is aborted. Resolves when the first was written. */
  async begin(signal: AbortSignal): Promise<void> {
    await this.#look();
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
      await clock.sleep(LOOK_MS, signal).catch(() => {});
      if (signal.aborted) return;
      await this.#look();
      const forMs = clock.monotonicMs() - this.#startedMs;
      if (forMs < SIGN_EVERY_MS) continue;
      for (const waiting of this.#waiting.values()) {
        waiting.backMs ??= this.#startedMs;
        this.#tell(waiting, { isLast: forMs >= WAIT_FOR_CLOCK_MS });
      }
    }
  }

  /** A sign that stays is written at once, one that goes on once a minute: a class at the edge of its share must not wear out the flash. */
  async #look(): Promise<void> {
    const { stateDirectory, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#mayGoOn(nowMs)) {
      this.#kept = { timeMs: clock.nowMs(), isStopped: false };
      if (nowMs < this.#signMs) return;
      this.#isHeld = false;
      this.#signMs = nowMs + SIGN_EVERY_MS;
      await writeSign(fileIn(stateDirectory), this.#kept);
    } else if (!this.#isHeld) {
      this.#isHeld = true;
      await writeSign(fileIn(stateDirectory), { ...this.#kept, isHeld: true });
    }
  }

  /** That the gateway was off is kept, too. */
  #mayGoOn(nowMs: number): boolean {
    const { isKept, plan } = this.#options;
    return this.#waiting.size === 0 && nowMs >= this.#toldMs + plan.spool.commitWindowMs + LOOK_MS && isKept();
  }

  #tell({ device, backMs = this.#startedMs }: Waiting, { isLast = false } = {}): void {
    const { clock, log } = this.#options;
    const nowMs = clock.nowMs();
    const fromTimeMs = this.#fromTimeMs(device);
    const backTimeMs = Math.round(nowMs - (clock.monotonicMs() - backMs));
    const isWrong = nowMs < fromTimeMs;
    if (isWrong && !isLast) return;
    this.#waiting.delete(device.twin);
    this.#toldMs = clock.monotonicMs();
    if (isWrong) log.warn('clock behind the last sign of life', { twin: device.twin, last: new Date(fromTimeMs).toISOString() });
    const times = isWrong
      ? { fromTimeMs: backTimeMs, toTimeMs: backTimeMs }
      : { fromTimeMs, toTimeMs: Math.max(fromTimeMs, backTimeMs) };
    if (device.patterns !== undefined && this.#options.plan.devices.includes(device))
      this.#untold.set(device.twin, { device, times });
    this.#declare(device, times);
  }

  #declare(device: DevicePlan, times: Times): void {
    const readings = this.#dueIn(device, times.toTimeMs - times.fromTimeMs);
    this.#options.declare(device.twin, { reason: 'gateway-off', points: whatIsMissed(device), ...times, readings });
  }

  #dueIn(device: DevicePlan, forMs: number): number {
    const every = device.points.map(({ point }) => this.#options.dueEveryMs(point, device) ?? Number.POSITIVE_INFINITY);
    return every.reduce((sum, everyMs) => sum + Math.floor(forMs / everyMs), 0);
  }

  /** What was in an open message, or waited for its commit, when the gateway was killed, is gone. */
  #fromTimeMs({ message }: DevicePlan): number {
    const { timeMs = 0, isStopped = true, isHeld = false } = this.#last ?? {};
    const unseenMs = isHeld ? 0 : LOOK_MS;
    return isStopped ? timeMs : timeMs - message.maxAgeMs - this.#options.plan.spool.commitWindowMs - unseenMs;
  }
}

function fileIn(stateDirectory: string): string {
  return join(stateDirectory, 'sign-of-life.json');
}
