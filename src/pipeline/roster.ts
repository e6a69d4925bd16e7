import type { PointPlan } from '../model/plan.ts';
import type { Point } from '../model/point.ts';

/** Numbers for the points of a device: what is kept for each of them is then an array, at a fifth of what a map would cost. */
export interface Roster {
  /** From 0, in the order of the mapping; points that are not in the mapping get the numbers after that as they come. */
  indexOf(point: Point): number;
}

const known = new WeakMap<readonly PointPlan[], Roster>();

/** Made once for each list of points and shared by everybody who asks. */
export function rosterOf(points: readonly PointPlan[]): Roster {
  const roster = known.get(points) ?? createRoster(points);
  known.set(points, roster);
  return roster;
}

function createRoster(points: readonly PointPlan[]): Roster {
  const indices = new Map(points.map(({ point }, index) => [point.id, index]));
  // Most batches have the points of the mapping one after the other: that is looked at before the map is asked.
  let next = 0;
  return {
    indexOf: (point) => {
      let index = next;
      if (points[index]?.point !== point) {
        index = indices.get(point.id) ?? indices.size;
        if (index === indices.size) indices.set(point.id, index);
      }
      next = index + 1 < points.length ? index + 1 : 0;
      return index;
    },
  };
}

/** What `make` says of the keys of each point, by its number; points with the same keys share it. */
export function byPoint<T>(points: readonly PointPlan[], make: (plan: PointPlan) => T): readonly T[] {
  const made = new Map<PointPlan['keys'], { readonly of: T }>();
  return points.map((plan) => {
    const shared = made.get(plan.keys) ?? { of: make(plan) };
    made.set(plan.keys, shared);
    return shared.of;
  });
}
