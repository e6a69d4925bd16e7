import type { OpcuaSession } from './session.ts';
import { type ItemState, type MonitoredItem, stateOf } from './watching/monitored-item.ts';
import { describeRevisions, list } from './watching/revisions.ts';

/** What the server makes of the wishes of the mapping, and how it stands with each point that is not well. */
export function describeSession(session: OpcuaSession): Readonly<Record<string, unknown>> {
  const { acquisition, eventAcquisition, serverState, url, serviceLevel, diagnostics } = session;
  const { watching, retries, backfill, aggregates, problems } = acquisition;
  const { items, publisher } = watching;
  return {
    server: url,
    serviceLevel,
    ...(serverState === undefined ? {} : { serverState }),
    ...(diagnostics.summary === null ? {} : { serverDiagnostics: diagnostics.summary }),
    monitoredItems: items.length,
    itemStates: countStates(items),
    subscriptions: publisher.subscriptions.map(({ id, askedPublishingMs, publishingMs, maxSilenceMs, lifetimeMs }) => ({
      id,
      askedPublishingMs,
      publishingMs,
      maxSilenceMs,
      lifetimeMs,
      items: items.filter((item) => item.subscription.id === id).length,
    })),
    ...describeRevisions(items),
    ...list(
      'overloaded',
      items.filter(({ isOverloaded }) => isOverloaded === true),
      ({ node }) => [node.point.id, 'sampled more slowly than agreed'],
    ),
    ...list(
      'overflown',
      items.filter(({ overflows }) => overflows !== undefined),
      ({ node, overflows }) => [node.point.id, overflows],
    ),
    ...list('problems', [...problems, ...Object.entries(eventAcquisition.problems)], ([id, status]) => [
      id,
      { status, ...nextTry(retries.waitMs(id)) },
    ]),
    ...list('aggregatesRefused', aggregates.refusals, ([id, waitMs, refusal]) => [id, { ...refusal, ...nextTry(waitMs) }]),
    ...list('historyNotRead', [...(backfill?.problems ?? [])], (entry) => entry),
  };
}

function countStates(items: readonly MonitoredItem[]): Readonly<Record<ItemState, number>> {
  const counts = { waiting: 0, active: 0, failed: 0 };
  for (const item of items) counts[stateOf(item)] += 1;
  return counts;
}

function nextTry(waitMs: number | undefined): { readonly nextTryInMs?: number } {
  return waitMs === undefined ? {} : { nextTryInMs: Math.round(waitMs) };
}
