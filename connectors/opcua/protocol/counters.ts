/** Rising counts since the gateway started; they outlive the sessions. */
export interface Counters {
  notifications: number;
  keep_alives: number;
  sequence_gaps: number;
  republished_messages: number;
  /** Messages that came a second time; nothing of them is handed on. */
  repeated_messages: number;
  overflows: number;
  /** Values fetched from the history of the server. */
  backfilled_values: number;
  /** Nodes whose history was wanted and could not be had. */
  backfill_failures: number;
  /** Sessions opened after the first. */
  rebuilds: number;
  /** Sessions opened with another of the redundant servers than before. */
  failovers: number;
  /** Subscriptions that a new session took over, with all that the server had collected. */
  transfers: number;
  /** Short breaks of the network that the session survived. */
  reconnections: number;
  reads: number;
  writes: number;
  events: number;
  /** Events that were told once more and left out. */
  repeated_events: number;
  /** Methods called. */
  calls: number;
  polls: number;
  skipped_polls: number;
}

export function createCounters(): Counters {
  return {
    notifications: 0,
    keep_alives: 0,
    sequence_gaps: 0,
    republished_messages: 0,
    repeated_messages: 0,
    overflows: 0,
    backfilled_values: 0,
    backfill_failures: 0,
    rebuilds: 0,
    failovers: 0,
    transfers: 0,
    reconnections: 0,
    reads: 0,
    writes: 0,
    calls: 0,
    events: 0,
    repeated_events: 0,
    polls: 0,
    skipped_polls: 0,
  };
}
