import {
  DataChangeFilter,
  DataChangeTrigger,
  DeadbandType,
  type MonitoredItemCreateResult,
  MonitoringMode,
  TimestampsToReturn,
} from 'node-opcua-client';
import type { UnmeasuredReason } from '../../../src/model/device-gap.ts';
import type { Point } from '../../../src/model/point.ts';
import type { Reading } from '../../../src/model/reading.ts';
import type { OpcuaPoint } from '../mapping/settings.ts';
import { type UsableNode, valueRequest } from '../nodes/nodes.ts';
import type { RawSession } from '../protocol/raw-session.ts';
import { inChunks, PIPELINED, type ServerLimits } from '../protocol/requests.ts';
import { qualityOf, statusName } from '../protocol/status-code.ts';

/** The subscription of an item, whichever session it is in. */
interface Subscribed {
  /** 0 until it is known which. */
  readonly id: number;
  readonly publishingMs: number;
}

/** A node that the server watches for us. */
export interface MonitoredItem {
  readonly node: UsableNode;
  /** More points that get its values: they lie in the value of the same node. */
  readonly others: readonly UsableNode[];
  /** Ours; comes back with each notification. Unique in the session (`PointNumbers.handle`). */
  readonly handle: number;
  subscription: Subscribed;
  /** The server's name for it. */
  id: number | undefined;
  /** What the server made of it. */
  revisedSamplingMs: number | undefined;
  revisedQueueSize: number | undefined;
  /** The server knows no such deadband: all changes come. */
  isDeadbandRefused?: boolean;
  /** The server said with the last value that it looks less often than it promised. */
  isOverloaded?: boolean;
  /** Values that were lost in the server's queue, as often as it said so. */
  overflows?: number;
  /** It has sent a value since it was created. */
  isActive: boolean;
  /** Changes may have been missed. */
  gap?: Gap;
  /** Why the server does not watch it. */
  problem?: string;
}

export interface Gap {
  /** The last sample of each point before it. */
  readonly since: readonly Reading[];
  /** Nothing was collected meanwhile: the next value ends the gap. Else the server kept what happened, unless its queue overflowed. */
  readonly isLost: boolean;
  readonly reason: UnmeasuredReason;
  /** The server told everything until then; UTC, milliseconds since 1970. */
  readonly fromTimeMs: number;
  /** On the monotonic clock: until then a queue may turn out to have overflowed in the break. */
  readonly untilMs: number;
}

/** `waiting`: the server watches it, and has not sent a value yet. */
export type ItemState = 'waiting' | 'active' | 'failed';

export function stateOf({ problem, isActive }: MonitoredItem): ItemState {
  if (problem !== undefined) return 'failed';
  return isActive ? 'active' : 'waiting';
}

const DEADBAND_PROBLEMS: ReadonlySet<string> = new Set([
  'BadMonitoredItemFilterUnsupported',
  'BadMonitoredItemFilterInvalid',
  'BadFilterNotAllowed',
  'BadDeadbandFilterInvalid',
]);

/** All points that get its values. */
export function nodesOf({ node, others }: MonitoredItem): readonly UsableNode[] {
  return [node, ...others];
}

export function pointsOf(item: MonitoredItem): readonly Point<OpcuaPoint>[] {
  return nodesOf(item).map(({ point }) => point);
}

const NO_OTHERS: readonly UsableNode[] = [];

/** One item for each node, or for each wish where points of one node have several. */
export function planItems(
  nodes: readonly UsableNode[],
  publishingMs: number,
  handleOf: (point: Point) => number,
): readonly MonitoredItem[] {
  const subscription = { id: 0, publishingMs };
  // Most nodes have one point: only those whose identifiers are the same are compared.
  const alike = Map.groupBy(nodes, ({ point }) => point.address.address.identifier.value).values();
  const items: MonitoredItem[] = [];
  for (const some of alike)
    for (const [first, ...others] of some.length === 1 ? [some] : Map.groupBy(some, sharingKey).values())
      if (first !== undefined) items.push(planItem(first, others, handleOf(first.point), subscription));
  return items;
}

/** Points for which it is the same text can share what the server sends. */
function sharingKey({ nodeId, point }: UsableNode): string {
  const { sampling, queueSize, serverDeadband, indexRange } = point.address;
  return JSON.stringify([nodeId.toString(), sampling ?? point.intervalMs, queueSize, serverDeadband, indexRange]);
}

/** There are a hundred thousand of them: what all items have has its place in the object from the beginning. */
function planItem(node: UsableNode, others: readonly UsableNode[], handle: number, subscription: Subscribed): MonitoredItem {
  return {
    node,
    others: others.length === 0 ? NO_OTHERS : others,
    handle,
    subscription,
    id: undefined,
    revisedSamplingMs: undefined,
    revisedQueueSize: undefined,
    isActive: false,
  };
}

/** Asks the server to watch the items, in requests of a size it accepts; what it refuses is told by `problem`. */
export async function createItems(
  session: RawSession,
  { id, publishingMs }: Subscribed,
  items: readonly MonitoredItem[],
  limits: ServerLimits,
): Promise<void> {
  const subscription = { id, publishingMs };
  for (const item of items) item.subscription = subscription;
  await createOnce(session, id, items, limits, true);
  const refused = items.filter(({ problem }) => problem !== undefined && DEADBAND_PROBLEMS.has(problem));
  const withDeadband = refused.filter(({ node }) => node.point.address.serverDeadband !== undefined);
  if (withDeadband.length === 0) return;
  for (const item of withDeadband) item.isDeadbandRefused = true;
  await createOnce(session, id, withDeadband, limits, false);
}

/** The server stops watching them; one that it does not know any more is none to stop. */
export async function deleteItems(
  session: RawSession,
  { id: subscriptionId }: Pick<Subscribed, 'id'>,
  items: readonly MonitoredItem[],
  limits: ServerLimits,
) {
  const monitoredItemIds = items.map(({ id }) => id).filter((id) => id !== undefined);
  await inChunks(monitoredItemIds, limits.itemsPerCall, async (chunk) => {
    const { results } = await session.deleteMonitoredItems({ subscriptionId, monitoredItemIds: chunk });
    return results ?? [];
  });
}

async function createOnce(
  session: RawSession,
  subscriptionId: number,
  items: readonly MonitoredItem[],
  limits: ServerLimits,
  useDeadband: boolean,
): Promise<void> {
  const create = async (chunk: readonly MonitoredItem[]): Promise<readonly never[]> => {
    const { results } = await session.createMonitoredItems({
      subscriptionId,
      timestampsToReturn: TimestampsToReturn.Both,
      itemsToCreate: chunk.map((item) => request(item, useDeadband)),
    });
    for (const [at, item] of chunk.entries()) noteResult(item, results?.[at]);
    return [];
  };
  await inChunks(items, limits.itemsPerCall, create, PIPELINED);
}

function noteResult(item: MonitoredItem, result: MonitoredItemCreateResult | null | undefined): void {
  if (item.problem !== undefined) delete item.problem;
  if (result === undefined || result === null) item.problem = 'BadUnexpectedError';
  else if (qualityOf(result.statusCode.value) === 'bad') item.problem = statusName(result.statusCode.value);
  else {
    item.id = result.monitoredItemId;
    item.revisedSamplingMs = result.revisedSamplingInterval;
    item.revisedQueueSize = result.revisedQueueSize;
  }
}

/** What the server is asked for; it may make something else of it. */
export function wishOf({ node, subscription }: MonitoredItem): { readonly samplingMs: number; readonly queueSize: number } {
  const { sampling, queueSize } = node.point.address;
  const samplingMs = sampling ?? node.point.intervalMs;
  const valuesPerPublish = samplingMs > 0 ? Math.ceil(subscription.publishingMs / samplingMs) : 10;
  return { samplingMs, queueSize: queueSize ?? valuesPerPublish + 2 };
}

function request(item: MonitoredItem, useDeadband: boolean) {
  const { node, handle } = item;
  const { samplingMs, queueSize } = wishOf(item);
  const filter = useDeadband ? deadbandFilter(node.point.address.serverDeadband) : undefined;
  return {
    itemToMonitor: valueRequest(node),
    monitoringMode: MonitoringMode.Reporting,
    requestedParameters: {
      clientHandle: handle,
      samplingInterval: samplingMs,
      queueSize,
      discardOldest: true,
      ...(filter === undefined ? {} : { filter }),
    },
  };
}

function deadbandFilter(deadband: OpcuaPoint['serverDeadband']): DataChangeFilter | undefined {
  if (deadband === undefined) return undefined;
  return new DataChangeFilter({
    trigger: DataChangeTrigger.StatusValue,
    deadbandType: 'absolute' in deadband ? DeadbandType.Absolute : DeadbandType.Percent,
    deadbandValue: 'absolute' in deadband ? deadband.absolute : deadband.percent,
  });
}
