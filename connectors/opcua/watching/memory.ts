import type { Point } from '../../../src/model/point.ts';
import { Fingerprints } from '../nodes/fingerprints.ts';
import { PointNumbers } from '../nodes/point-numbers.ts';
import type { ServerFacts } from '../protocol/requests.ts';
import type { LearntTypes } from '../values/type-descriptions.ts';
import { HistoryDoubt } from './history-doubt.ts';
import { LastReadings } from './last-readings.ts';
import type { Missing } from './missing.ts';
import type { MonitoredItem } from './monitored-item.ts';
import { SeenEvents } from './seen-events.ts';
import type { Span } from './span.ts';
import type { Subscription } from './subscription.ts';

/** What outlives the sessions of one connection. */
export interface Memory {
  readonly numbers: PointNumbers;
  readonly fingerprints: Fingerprints;
  readonly last: LastReadings;
  readonly seenEvents: SeenEvents;
  readonly missing: Missing;
  /** What is to be fetched from the history of the server. */
  readonly spans: Span[];
  readonly historyDoubt: HistoryDoubt;
  /** Up to when the values that the server computes were told, by point id. */
  readonly aggregated: Map<string, number>;
  /** What was last said in the log of wishes that the server revised. */
  toldRevisions?: string;
  /** When the last session was lost: every point was told to be bad then. */
  lostMs?: number;
  /** What the last session left with its server, for the next one to take over. */
  left?: LeftSubscriptions | undefined;
  /** What the structures of the server consist of. */
  types?: LearntTypes | undefined;
}

export interface LeftSubscriptions {
  readonly url: string;
  readonly facts: ServerFacts;
  readonly subscriptions: readonly Subscription[];
  /** Of all these subscriptions. */
  readonly items: readonly MonitoredItem[];
}

export function createMemory(missing: Missing): Memory {
  const numbers = new PointNumbers();
  return {
    ...{ numbers, fingerprints: new Fingerprints(numbers), last: new LastReadings(numbers), seenEvents: new SeenEvents() },
    ...{ missing, spans: [], historyDoubt: new HistoryDoubt(), aggregated: new Map() },
  };
}

/** The points are none any more. To be called when nothing that comes late can be told of them. */
export function forget({ numbers, fingerprints, last }: Memory, points: readonly Point[]): void {
  fingerprints.forget(points);
  last.forget(points);
  numbers.free(points);
}

/**
 * Gives out what was left, once, and only where it must be ours: another run of the server, or another server, may have given
 * the same numbers to somebody else's subscriptions.
 */
export function takeLeft(memory: Memory, url: string, facts: ServerFacts): LeftSubscriptions | undefined {
  const { left } = memory;
  memory.left = undefined;
  if (left === undefined || left.url !== url || facts.startedMs === 0) return undefined;
  const isSameRun = left.facts.startedMs === facts.startedMs && left.facts.namespaces.join('\n') === facts.namespaces.join('\n');
  return isSameRun ? left : undefined;
}
