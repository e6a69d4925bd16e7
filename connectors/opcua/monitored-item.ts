import { DataChangeFilter, DataChangeTrigger, DeadbandType, MonitoringMode, TimestampsToReturn } from 'node-opcua-client';
import type { UnmeasuredReason } from '../../src/model/device-gap.ts';
import type { Reading } from '../../src/model/reading.ts';
import { type FoundNode, valueRequest } from './nodes.ts';
import type { RawSession } from './raw-session.ts';
import { inChunks, PIPELINED, type ServerLimits } from './requests.ts';
import type { OpcuaPoint } from './settings.ts';
import { qualityOf, statusName } from './status-code.ts';

export type UsableNode = Extract<FoundNode, { problem?: undefined }>;

/** A node that the server watches for us. */
export interface MonitoredItem {
  readonly node: UsableNode;
  /** All points that get its values: they lie in the value of the same node. */
  readonly nodes: readonly UsableNode[];
  /** Ours; comes back with each notification. Unique in the session. */
  readonly handle: number;
  readonly samplingMs: number;
  readonly queueSize: number;
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

/** Points for which it is the same text can share what the server sends. */
export function sharingKey({ nodeId, point }: UsableNode): string {
  const { sampling, queueSize, serverDeadband, indexRange } = point.address;
  const rare = serverDeadband === undefined && indexRange === undefined ? '' : JSON.stringify([serverDeadband, indexRange]);
  return `${sampling ?? point.intervalMs} ${queueSize ?? ''} ${rare} ${nodeId.toString()}`;
}

/** There are a hundred thousand of them: what all items have has its place in the object from the beginning. */
export function planItem(nodes: readonly [UsableNode, ...UsableNode[]], handle: number, publishingMs: number): MonitoredItem {
  const [node] = nodes;
  const { sampling, queueSize } = node.point.address;
  const samplingMs = sampling ?? node.point.intervalMs;
  const valuesPerPublish = samplingMs > 0 ? Math.ceil(publishingMs / samplingMs) : 10;
  return {
    node,
    nodes,
    handle,
    samplingMs,
    queueSize: queueSize ?? valuesPerPublish + 2,
    id: undefined,
    revisedSamplingMs: undefined,
    revisedQueueSize: undefined,
    isActive: false,
  };
}

/** Asks the server to watch the items, in requests of a size it accepts; what it refuses is told by `problem`. */
export async function createItems(
  session: RawSession,
  subscriptionId: number,
  items: readonly MonitoredItem[],
  limits: ServerLimits,
): Promise<void> {
  await createOnce(session, subscriptionId, items, limits, true);
  const refused = items.filter(({ problem }) => problem !== undefined && DEADBAND_PROBLEMS.has(problem));
  const withDeadband = refused.filter(({ node }) => node.point.address.serverDeadband !== undefined);
  if (withDeadband.length === 0) return;
  for (const item of withDeadband) item.isDeadbandRefused = true;
  await createOnce(session, subscriptionId, withDeadband, limits, false);
}

/** The server stops watching them; one that it does not know any more is none to stop. */
export async function deleteItems(
  session: RawSession,
  subscriptionId: number,
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
  const create = async (chunk: readonly MonitoredItem[]) => {
    const response = await session.createMonitoredItems({
      subscriptionId,
      timestampsToReturn: TimestampsToReturn.Both,
      itemsToCreate: chunk.map((item) => request(item, useDeadband)),
    });
    return response.results ?? [];
  };
  const results = await inChunks(items, limits.itemsPerCall, create, PIPELINED);
  items.forEach((item, at) => {
    const result = results[at];
    delete item.problem;
    if (result === undefined || result === null) item.problem = 'BadUnexpectedError';
    else if (qualityOf(result.statusCode.value) === 'bad') item.problem = statusName(result.statusCode.value);
    else {
      item.id = result.monitoredItemId;
      item.revisedSamplingMs = result.revisedSamplingInterval;
      item.revisedQueueSize = result.revisedQueueSize;
    }
  });
}

function request({ node, handle, samplingMs, queueSize }: MonitoredItem, useDeadband: boolean) {
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
