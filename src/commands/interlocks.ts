import type { DevicePlan, PointPlan } from '../model/plan.ts';
import type { Reading } from '../model/reading.ts';
import type { ConnectorSession } from '../southbound/connector.ts';
import type { Finding } from './finding.ts';
import { checkInterlock, createInterlock, type Interlock } from './interlock.ts';
import type { PreparedWrite, ToEngineering } from './write-and-verify.ts';

/** The `onlyIf` of every point. */
export class Interlocks {
  readonly #byPoint: ReadonlyMap<string, Interlock>;
  readonly #toEngineering: ToEngineering;
  readonly #latest: (pointId: string) => Reading | undefined;

  constructor(devices: readonly DevicePlan[], toEngineering: ToEngineering, latest: (pointId: string) => Reading | undefined) {
    this.#byPoint = new Map(devices.flatMap(interlocksOf));
    this.#toEngineering = toEngineering;
    this.#latest = latest;
  }

  /** Findings by point name. Rejects when the link is lost meanwhile. */
  async check(
    writes: readonly PreparedWrite[],
    session: ConnectorSession,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, Finding>>> {
    const concerned = writes.flatMap(({ target }) => {
      const interlock = this.#byPoint.get(target.plan.point.id);
      return interlock === undefined ? [] : [{ name: target.name, interlock }];
    });
    const inputs = new Map(concerned.flatMap(({ interlock }) => interlock.inputs.map((plan) => [plan.point.id, plan])));
    const readings = await this.#read([...inputs.values()], session, signal);
    const findings = concerned.map(({ name, interlock }) => [name, checkInterlock(interlock, readings)] as const);
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
      const reading = this.#latest(point.id);
      if (reading !== undefined) readings.set(point.id, reading);
    }
    return readings;
  }
}

function interlocksOf(device: DevicePlan): readonly (readonly [string, Interlock])[] {
  return device.points.flatMap(({ point, write }) =>
    write?.onlyIf === undefined ? [] : [[point.id, createInterlock(device, write.onlyIf)] as const],
  );
}
