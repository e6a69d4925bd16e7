import { crc32 } from 'node:zlib';
import { type DataValue, NodeId } from 'node-opcua-client';
import type { Point } from '../../../src/model/point.ts';
import { PointColumn } from './point-column.ts';
import type { PointNumbers } from './point-numbers.ts';

/**
 * Browse name and data type of the node of each point, as first seen: a node that has others is another one. Kept as 32 bits, for
 * there is one for each point, so that one changed node in four thousand million is taken for what it was. Outlives the sessions.
 */
export class Fingerprints {
  readonly #seen: PointColumn<number>;

  constructor(numbers: PointNumbers) {
    this.#seen = new PointColumn(numbers);
  }

  /** Whether the node is what it was when it was first seen, which may be now. */
  isSame(point: Point, browseName: DataValue, dataType: DataValue, namespaces: readonly string[]): boolean {
    const print = crc32(textOf(browseName.value.value, dataType.value.value, namespaces)) | 0;
    const first = this.#seen.get(point);
    if (first === undefined) this.#seen.set(point, print);
    return first === undefined || first === print;
  }

  forget(points: readonly Point[]): void {
    for (const point of points) this.#seen.delete(point);
  }
}

/** In URIs, so that it stays the same when only the indices move. */
function textOf(name: unknown, type: unknown, namespaces: readonly string[]): string {
  const typeText = type instanceof NodeId ? `${namespaces[type.namespace]}\n${type.value}` : '';
  if (typeof name !== 'object' || name === null || !('name' in name) || !('namespaceIndex' in name)) return typeText;
  return `${typeText}\n${namespaces[Number(name.namespaceIndex)]}\n${name.name}`;
}
