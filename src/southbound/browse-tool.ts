import type { ConnectionPlan } from '../model/plan.ts';
import type { Value } from '../model/value.ts';
import type { Log } from '../runtime/log.ts';

/** Shows a server that no mapping may know yet. */
export interface BrowseTool {
  /** The connection behind an address that a person has typed, e.g. `opc.tcp://10.20.0.17:4840`; throws USAGE where it is none. */
  connectionOf(url: string, options: { readonly policy?: string }): ConnectionPlan;
  /** The nodes of a server, in the order of its tree; opens a session, and closes it when the walk ends or is left. */
  walk(options: BrowseOptions): AsyncIterable<BrowsedNode>;
  /** A mapping of the variables that were found, as YAML with comments for a person to go on with. */
  draftMapping(draft: MappingDraft): string;
}

export interface BrowseOptions {
  readonly connection: ConnectionPlan;
  readonly gatewayId: string;
  readonly stateDirectory: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Where to begin, as the address of a point; by default with everything that the server has. */
  readonly node?: string;
  /** Levels below that. */
  readonly depth: number;
}

interface BrowsedCommon {
  /** Below the start, from 0. */
  readonly depth: number;
  readonly name: string;
  /** Names from the start down, its own the last. */
  readonly path: readonly string[];
  /** As the address of a point. */
  readonly address: string;
}

export interface BrowsedVariable {
  /** As the server calls it. */
  readonly type: string;
  /** -1: a single value; 1 and more: an array of so many dimensions; others: it may be either. */
  readonly rank: number;
  readonly access: 'none' | 'read' | 'write' | 'read-write';
  readonly value?: Value | null;
  /** Why there is no value. */
  readonly status?: string;
  readonly unit?: string;
  readonly range?: { readonly min: number; readonly max: number };
  /** Text by value. */
  readonly labels?: Readonly<Record<string, string>>;
}

export type BrowsedNode = BrowsedCommon &
  ({ readonly kind: 'object' | 'method' } | ({ readonly kind: 'variable' } & BrowsedVariable));

export interface MappingDraft {
  readonly connection: ConnectionPlan;
  readonly twin: string;
  readonly nodes: readonly BrowsedNode[];
}
