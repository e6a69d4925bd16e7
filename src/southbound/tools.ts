import type { ConnectionPlan } from '../model/plan.ts';
import type { BrowseTool } from './browse-tool.ts';
import type { DecodeRequest, Decoding } from './decode-tool.ts';
import type { ScanEvent, ScanRequest } from './scan-tool.ts';
import type { TrustTool } from './trust-tool.ts';

/**
 * What a protocol offers to people at the command line beside being run: planning, finding, decoding, browsing. Every tool is
 * optional; the command says so where the protocol has none. A tool returns plain data; the command prints it.
 */
export interface ConnectorTools {
  /** The requests by which a connection will be polled, and what they cost. Opens nothing. */
  plan?(connection: ConnectionPlan): RequestPlan;
  /** Whom the protocol trusts by certificate. */
  readonly trust?: TrustTool;
  /** Finds devices at a place that no mapping names yet. Only reads. Throws USAGE where the target is none. */
  scan?(request: ScanRequest): AsyncIterable<ScanEvent>;
  /** Shows what a point may be: its registers in every type and order. Reads once, never writes. */
  decode?(request: DecodeRequest): Promise<Decoding>;
  /** Shows what a server has. */
  readonly browse?: BrowseTool;
}

export interface RequestPlan {
  /** What the figures rest on, for people. */
  readonly basis: string;
  readonly polls: readonly PlannedPoll[];
  /** Share of the time for which the connection is needed. */
  readonly busyPercent: number;
}

/** The points of one device with one interval. */
export interface PlannedPoll {
  readonly device: string;
  readonly intervalMs: number;
  readonly requests: readonly PlannedRequest[];
  readonly busyPercent: number;
}

export interface PlannedRequest {
  readonly unit: number;
  readonly function: number;
  /** Zero-based. */
  readonly address: number;
  readonly count: number;
  readonly points: readonly string[];
  /** Registers or bits that no point wants. */
  readonly unwanted: number;
  /** On the wire, request and answer. */
  readonly bytes: number;
  /** For which the connection is busy. */
  readonly ms: number;
}
