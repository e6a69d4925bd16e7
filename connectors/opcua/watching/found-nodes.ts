import type { Point } from '../../../src/model/point.ts';
import type { OpcuaPoint } from '../mapping/settings.ts';
import { type FoundNode, findNodes, type UsableNode } from '../nodes/nodes.ts';
import { PointColumn } from '../nodes/point-column.ts';
import type { RawSession } from '../protocol/raw-session.ts';
import type { ServerFacts } from '../protocol/requests.ts';
import type { Memory } from './memory.ts';

export interface FoundNodesContext {
  readonly session: RawSession;
  readonly facts: ServerFacts;
  readonly memory: Memory;
}

/** Where the points of one session were last found. */
export class FoundNodes {
  readonly #context: FoundNodesContext;
  readonly #nodes: PointColumn<FoundNode>;

  constructor(context: FoundNodesContext, nodes: readonly FoundNode[]) {
    this.#context = context;
    this.#nodes = new PointColumn(context.memory.numbers);
    this.#know(nodes);
  }

  of(point: Point): FoundNode | undefined {
    return this.#nodes.get(point);
  }

  points(): readonly Point<OpcuaPoint>[] {
    return this.#nodes.things().map(({ point }) => point);
  }

  /** Of points that are read so, whether they can be or not. */
  read(how: OpcuaPoint['read']): readonly FoundNode[] {
    return this.#nodes.things(({ point }) => isRead(point, how));
  }

  usable(how: OpcuaPoint['read']): readonly UsableNode[] {
    return this.read(how).filter((node) => node.problem === undefined);
  }

  /** A pattern may have brought another node under the name, or none. */
  isStill({ point, nodeId }: UsableNode): boolean {
    const node = this.of(point);
    return node !== undefined && node.problem === undefined && node.nodeId.toString() === nodeId.toString();
  }

  /** Looks for the nodes of the points, as they are now. */
  async find(points: readonly Point<OpcuaPoint>[]): Promise<void> {
    const { session, facts, memory } = this.#context;
    this.#know(await findNodes(session, points, facts, memory.fingerprints));
  }

  /** It cannot be used until it is found anew. */
  lose(of: Point, problem: string): void {
    const point = this.of(of)?.point;
    if (point !== undefined) this.#nodes.set(point, { point, problem });
  }

  delete(point: Point): void {
    this.#nodes.delete(point);
  }

  #know(nodes: readonly FoundNode[]): void {
    for (const node of nodes) this.#nodes.set(node.point, node);
  }
}

export function isRead({ access, address }: Point<OpcuaPoint>, how: OpcuaPoint['read']): boolean {
  return access !== 'write' && address.read === how && address.serverAggregate === undefined;
}
