import type { ClientSession, NodeId } from 'node-opcua-client';
import { inChunks, type ServerLimits } from '../protocol/requests.ts';
import type { UsableNode } from './nodes.ts';

/**
 * Nodes that are read again and again are told to the server once (Part 4 §5.8.5); it gives ids that it finds faster, good in this
 * session only. A server that does not take that is read by the ids of the mapping.
 */
export class RegisteredNodes {
  readonly #session: ClientSession;
  readonly #limits: ServerLimits;
  readonly #registered = new WeakMap<UsableNode, UsableNode>();
  #isRefused = false;

  constructor(session: ClientSession, limits: ServerLimits) {
    this.#session = session;
    this.#limits = limits;
  }

  /** The same nodes, in the same order, by the ids that are to be read. */
  async of(nodes: readonly UsableNode[]): Promise<readonly UsableNode[]> {
    const unknown = nodes.filter((node) => !this.#registered.has(node));
    if (unknown.length > 0 && !this.#isRefused) await this.#register(unknown);
    return nodes.map((node) => this.#registered.get(node) ?? node);
  }

  async #register(nodes: readonly UsableNode[]): Promise<void> {
    try {
      const ids: readonly (NodeId | undefined)[] = await inChunks(nodes, this.#limits.nodesPerRegister, (chunk) =>
        this.#session.registerNodes(chunk.map(({ nodeId }) => nodeId)),
      );
      for (const [at, node] of nodes.entries()) this.#registered.set(node, { ...node, nodeId: ids[at] ?? node.nodeId });
    } catch {
      this.#isRefused = true;
    }
  }
}
