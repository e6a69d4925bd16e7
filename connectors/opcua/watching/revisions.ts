import type { Log } from '../../../src/runtime/log.ts';
import type { Memory } from './memory.ts';
import { type MonitoredItem, wishOf } from './monitored-item.ts';

/** Enough for a person; the rest is counted. */
const MAX_LISTED = 100;

export interface Listed {
  readonly count: number;
  readonly points: Readonly<Record<string, unknown>>;
}

export function list<T>(
  name: string,
  all: readonly T[],
  entry: (one: T) => readonly [string, unknown],
): Readonly<Record<string, Listed>> {
  if (all.length === 0) return {};
  return { [name]: { count: all.length, points: Object.fromEntries(all.slice(0, MAX_LISTED).map(entry)) } };
}

/** Where the server does something else than the mapping asks for. */
export function describeRevisions(items: readonly MonitoredItem[]): Readonly<Record<string, Listed>> {
  return {
    ...list('slowerThanAsked', items.filter(isSlower), (item) => [
      item.node.point.id,
      { askedMs: wishOf(item).samplingMs, revisedMs: item.revisedSamplingMs },
    ]),
    ...list('shorterQueueThanAsked', items.filter(isShorter), (item) => [
      item.node.point.id,
      { asked: wishOf(item).queueSize, revised: item.revisedQueueSize },
    ]),
    ...list(
      'deadbandRefused',
      items.filter(({ isDeadbandRefused }) => isDeadbandRefused === true),
      ({ node }) => [node.point.id, 'all changes come'],
    ),
  };
}

const FIELDS: Readonly<Record<string, string>> = {
  slowerThanAsked: 'slower_than_asked',
  shorterQueueThanAsked: 'shorter_queue_than_asked',
  deadbandRefused: 'deadband_refused',
};

/** One line for a connection, and another when the server has changed its mind. */
export function tellRevisions(items: readonly MonitoredItem[], memory: Memory, log: Log): void {
  const revisions = Object.entries(describeRevisions(items));
  const counts = Object.fromEntries(revisions.map(([what, { count }]) => [FIELDS[what] ?? what, count]));
  const text = JSON.stringify(counts);
  const [example] = Object.keys(revisions[0]?.[1].points ?? {});
  if (revisions.length > 0 && text !== memory.toldRevisions) log.warn('opcua wishes revised', { ...counts, example });
  memory.toldRevisions = text;
}

function isSlower(item: MonitoredItem): boolean {
  return item.revisedSamplingMs !== undefined && item.revisedSamplingMs > wishOf(item).samplingMs;
}

function isShorter(item: MonitoredItem): boolean {
  return item.revisedQueueSize !== undefined && item.revisedQueueSize < wishOf(item).queueSize;
}
