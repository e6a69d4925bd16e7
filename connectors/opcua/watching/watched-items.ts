import type { Point } from '../../../src/model/point.ts';
import { PointColumn } from '../nodes/point-column.ts';
import { numberIn, type PointNumbers } from '../nodes/point-numbers.ts';
import { type MonitoredItem, pointsOf } from './monitored-item.ts';

/** What the server watches for one session, by point. The number of the first point of an item is in its handle, too. */
export class WatchedItems {
  readonly #items: PointColumn<MonitoredItem>;

  constructor(numbers: PointNumbers) {
    this.#items = new PointColumn(numbers);
  }

  of(point: Point): MonitoredItem | undefined {
    return this.#items.get(point);
  }

  /** `undefined` for one that is not watched any more. */
  withHandle(handle: number): MonitoredItem | undefined {
    const item = this.#items.at(numberIn(handle));
    return item?.handle === handle ? item : undefined;
  }

  /** Each once, though it may have several points. */
  all(): readonly MonitoredItem[] {
    return this.#items.things(({ handle }, number) => numberIn(handle) === number);
  }

  add(item: MonitoredItem): void {
    this.#items.set(item.node.point, item);
    for (const { point } of item.others) this.#items.set(point, item);
  }

  delete(item: MonitoredItem): void {
    for (const point of pointsOf(item)) if (this.of(point) === item) this.#items.delete(point);
  }
}
