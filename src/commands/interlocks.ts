import type { DevicePlan, PointPlan } from '../model/plan.ts';
import type { Point } from '../model/point.ts';
import type { Reading } from '../model/reading.ts';
import type { ConnectorSession } from '../southbound/connector.ts';
import { methodId } from './call-job.ts';
import type { Finding } from './finding.ts';
import { checkInterlock, createInterlock, type Interlock } from './interlock.ts';
import type { Guard } from './job.ts';
import type { ToEngineering } from './write-and-verify.ts';

export interface InterlockOptions {
  readonly engineering: ToEngineering;
  /** The last engineering reading; asked for derived points, which no device holds. */
  readonly latest: (point: Point) => Reading | undefined;
  readonly clock: { nowMs(): number };
}

/** The `onlyIf` of every point and method. */
export class Interlocks {
  readonly #byGuard = new Map<string, Interlock>();
  readonly #toEngineering: ToEngineering;
  readonly #latest: (point: Point) => Reading | undefined;
  readonly #clock: { nowMs(): number };

  constructor(devices: readonly DevicePlan[], { engineering, latest, clock }: InterlockOptions) {
    this.#toEngineering = engineering;
    this.#latest = latest;
    this.#clock = clock;
    for (const device of devices) this.resolve(device);
  }

  resolve(device: DevicePlan): void {
    for (const [id, interlock] of interlocksOf(device)) this.#byGuard.set(id, interlock);
  }

  /** Findings by name of the guard. Rejects when the link is lost meanwhile. */
  async check(
    guards: readonly Guard[],
    session: ConnectorSession,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, Finding>>> {
    const concerned = guards.flatMap(({ name, id }) => {
      const interlock = this.#byGuard.get(id);
      return interlock === undefined ? [] : [{ name, interlock }];
    });
    const inputs = new Map(concerned.flatMap(({ interlock }) => interlock.inputs.map((plan) => [plan.point.id, plan])));
    const readings = await this.#read([...inputs.values()], session, signal);
    const nowMs = this.#clock.nowMs();
    const findings = concerned.map(({ name, interlock }) => [name, checkInterlock(interlock, readings, nowMs)] as const);
    return Object.fromEntries(findings.flatMap(([name, held]) => (held === undefined ? [] : [[name, held] as const])));
  }

  /** Read now, by point id: what was polled a while ago need not be true any more. A derived point is as fresh as its last value. */
  async #read(
    plans: readonly PointPlan[],
    session: ConnectorSession,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Reading>> {
    const direct = plans.filter(({ point }) => point.address !== undefined && point.access !== 'write');
    const points = direct.map(({ point }) => point);
    const read = points.length === 0 ? [] : await session.read(points, signal);
    const readings = new Map<string, Reading>();
    for (const [index, plan] of direct.entries()) {
      const reading = read[index];
      if (reading !== undefined) readings.set(plan.point.id, this.#toEngineering(plan, reading));
    }
    for (const { point } of plans.filter((plan) => plan.point.address === undefined)) {
      const reading = this.#latest(point);
      if (reading !== undefined) readings.set(point.id, reading);
    }
    return readings;
  }
}

function interlocksOf(device: DevicePlan): readonly (readonly [string, Interlock])[] {
  const ofPoints = device.points.map(({ point, write }) => [point.id, write] as const);
  const ofMethods = (device.methods ?? []).map((method) => [methodId(device.twin, method), method] as const);
  // The points of a pattern share one.
  const made = new Map<string, Interlock>();
  return [...ofPoints, ...ofMethods].flatMap(([id, { onlyIf, maxAgeMs } = {}]) => {
    if (onlyIf === undefined) return [];
    const key = `${maxAgeMs} ${onlyIf}`;
    const interlock = made.get(key) ?? createInterlock(device, onlyIf, maxAgeMs);
    made.set(key, interlock);
    return [[id, interlock] as const];
  });
}
