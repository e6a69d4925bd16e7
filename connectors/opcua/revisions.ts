import type { MonitoredItem } from './monitored-item.ts';

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
    ...list('slowerThanAsked', items.filter(isSlower), ({ node, samplingMs, revisedSamplingMs }) => [
      node.point.id,
      { askedMs: samplingMs, revisedMs: revisedSamplingMs },
    ]),
    ...list('shorterQueueThanAsked', items.filter(isShorter), ({ node, queueSize, revisedQueueSize }) => [
      node.point.id,
      { asked: queueSize, revised: revisedQueueSize },
    ]),
    ...list(
      'deadbandRefused',
      items.filter(({ isDeadbandRefused }) => isDeadbandRefused === true),
      ({ node }) => [node.point.id, 'all changes come'],
    ),
  };
}

function isSlower({ samplingMs, revisedSamplingMs }: MonitoredItem): boolean {
  return revisedSamplingMs !== undefined && revisedSamplingMs > samplingMs;
}

function isShorter({ queueSize, revisedQueueSize }: MonitoredItem): boolean {
  return revisedQueueSize !== undefined && revisedQueueSize < queueSize;
}
