import { concat, defer, from, Subject } from 'rxjs';
import type { DevicePlan, PointPlan } from '../model/plan.ts';
import type { Reading } from '../model/reading.ts';
import type { RunningDevice } from './device.ts';

export interface ResolvingDevice extends RunningDevice {
  /** From now on the device has these points; readings of others are left out. */
  resolve(device: DevicePlan): void;
}

/** Points that came together, with a way of their own. */
interface Arrival {
  readonly running: RunningDevice;
  /** Of its points those that are still there, by id. */
  readonly points: Map<string, PointPlan>;
}

/**
 * A device whose mapping has patterns. What is written in the mapping has one way into the spool for ever; points that come
 * together have one of their own, which ends when the last of them is gone. So nothing that an operator keeps of a point is
 * disturbed by others that come and go.
 */
export function followPatterns(device: DevicePlan, start: (device: DevicePlan) => RunningDevice): ResolvingDevice {
  const own = start(device);
  if (device.patterns === undefined) return { ...own, resolve: () => {} };
  const written = new Set(device.points.map(({ point }) => point.id));
  const byPoint = new Map<string, Arrival>();
  const arrivals = new Set<RunningDevice>();
  const leaving = new Set<RunningDevice>();
  const ended = { messages: 0, failures: 0 };

  const leave = (id: string): void => {
    const arrival = byPoint.get(id);
    byPoint.delete(id);
    arrival?.points.delete(id);
    if (arrival === undefined || arrival.points.size > 0) return;
    const { running } = arrival;
    arrivals.delete(running);
    leaving.add(running);
    void running.complete().then(() => {
      leaving.delete(running);
      ended.messages += running.messages();
      ended.failures += running.failures();
    });
  };
  const wayOf = ({ point }: Reading): RunningDevice | undefined => (written.has(point.id) ? own : byPoint.get(point.id)?.running);
  const sum = (what: 'messages' | 'failures') =>
    [...arrivals, ...leaving].reduce((all, running) => all + running[what](), own[what]() + ended[what]);

  return {
    take: ({ readings, isHistory }) => {
      const mark = isHistory === true ? { isHistory } : {};
      for (const [way, part] of Map.groupBy(readings, wayOf)) way?.take({ readings: part, ...mark });
    },
    tell: own.tell,
    declare: (gap) => {
      for (const running of [...arrivals, ...leaving]) running.flush();
      own.declare(gap);
    },
    flush: () => {
      for (const running of [own, ...arrivals, ...leaving]) running.flush();
    },
    unmeasured: own.unmeasured,
    messages: () => sum('messages'),
    failures: () => sum('failures'),
    complete: async () => {
      await Promise.all([own, ...arrivals, ...leaving].map((running) => running.complete()));
    },
    resolve: (now) => {
      const there = new Map(now.points.map((plan) => [plan.point.id, plan]));
      for (const [id, { points }] of byPoint) if (there.get(id)?.keys !== points.get(id)?.keys) leave(id);
      const points = now.points.filter(({ point: { id } }) => !written.has(id) && !byPoint.has(id));
      if (points.length === 0) return;
      const arrival = { running: start({ ...now, points }), points: new Map(points.map((plan) => [plan.point.id, plan])) };
      arrivals.add(arrival.running);
      for (const { point } of points) byPoint.set(point.id, arrival);
    },
  };
}

/** What patterns stand for, for whoever describes devices. */
export class ResolvedDevices {
  readonly #known = new Map<string, DevicePlan>();
  readonly #changes = new Subject<DevicePlan>();
  /** Those that are known when subscribed to, then each that changes. */
  readonly devices = defer(() => concat(from([...this.#known.values()]), this.#changes));

  resolve(device: DevicePlan): void {
    this.#known.set(device.twin, device);
    this.#changes.next(device);
  }
}
