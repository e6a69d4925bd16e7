import type { MonitoredItem } from './monitored-item.ts';
import type { OpcuaSession } from './session.ts';

/** Enough for a person; the rest is counted. */
const MAX_LISTED = 100;

/** Where the server does something else than the mapping asks for. */
export function describeSession({ acquisition, eventAcquisition }: OpcuaSession): Readonly<Record<string, unknown>> {
  const { items, publisher, problems } = acquisition;
  return {
    monitoredItems: items.length,
    subscriptions: publisher.subscriptions.map(({ id, askedPublishingMs, publishingMs, maxSilenceMs, items }) => ({
      id,
      askedPublishingMs,
      publishingMs,
      maxSilenceMs,
      items: items.size,
    })),
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
    ...list('problems', [...Object.entries(problems), ...Object.entries(eventAcquisition.problems)], (entry) => entry),
  };
}

function isSlower({ samplingMs, revisedSamplingMs }: MonitoredItem): boolean {
  return revisedSamplingMs !== undefined && revisedSamplingMs > samplingMs;
}

function isShorter({ queueSize, revisedQueueSize }: MonitoredItem): boolean {
  return revisedQueueSize !== undefined && revisedQueueSize < queueSize;
}

function list<T>(
  name: string,
  all: readonly T[],
  entry: (one: T) => readonly [string, unknown],
): Readonly<Record<string, unknown>> {
  return all.length === 0
    ? {}
    : { [name]: { count: all.length, points: Object.fromEntries(all.slice(0, MAX_LISTED).map(entry)) } };
}
