import {
  AttributeIds,
  type DataValue,
  HistoryData,
  HistoryReadRequest,
  type NodeId,
  type ReadProcessedDetails,
  ReadRawModifiedDetails,
  TimestampsToReturn,
} from 'node-opcua-client';
import type { RawSession } from '../protocol/raw-session.ts';
import { readAll, type ServerLimits } from '../protocol/requests.ts';
import { qualityOf, statusName } from '../protocol/status-code.ts';
import { rangeRequest } from '../values/index-range.ts';

/** Bit of AccessLevel (Part 3 §8.57). */
const HISTORY_READ = 0x04;
const VALUES_PER_NODE = 1_000;

export interface HistoryRange {
  readonly startMs: number;
  /** What has this time still belongs to it. */
  readonly endMs: number;
}

export interface HistoryNode {
  readonly nodeId: NodeId;
  /** The part of an array that is meant; absent: all of it. */
  readonly indexRange?: string | undefined;
  /** Where the server is to go on; absent at first. */
  readonly continuation?: Buffer;
}

export type HistoryAnswer =
  | { readonly values: readonly DataValue[]; readonly continuation?: Buffer; readonly problem?: undefined }
  | { readonly problem: string };

/** Which of the nodes have history that this user may read. */
export async function haveHistory(
  session: RawSession,
  nodeIds: readonly NodeId[],
  limits: ServerLimits,
): Promise<readonly boolean[]> {
  const requests = nodeIds.map((nodeId) => ({ nodeId, attributeId: AttributeIds.UserAccessLevel }));
  const levels = await readAll(session, requests, limits);
  return levels.map(
    ({ statusCode, value }) => qualityOf(statusCode.value) === 'good' && (Number(value.value) & HISTORY_READ) !== 0,
  );
}

/** The next values of each node, as they were sampled (Part 11 §6.4.3). */
export async function readHistory(
  session: RawSession,
  nodes: readonly HistoryNode[],
  { startMs, endMs }: HistoryRange,
): Promise<readonly HistoryAnswer[]> {
  const details = new ReadRawModifiedDetails({
    isReadModified: false,
    startTime: new Date(startMs),
    endTime: new Date(endMs + 1),
    numValuesPerNode: VALUES_PER_NODE,
    returnBounds: false,
  });
  return requestHistory(session, details, nodes);
}

/** What each of the nodes has for these details. */
export async function requestHistory(
  session: RawSession,
  historyReadDetails: ReadRawModifiedDetails | ReadProcessedDetails,
  nodes: readonly HistoryNode[],
): Promise<readonly HistoryAnswer[]> {
  const { results } = await session.historyRead(
    new HistoryReadRequest({
      historyReadDetails,
      nodesToRead: nodes.map(toRequest),
      timestampsToReturn: TimestampsToReturn.Both,
    }),
  );
  return nodes.map((_, at): HistoryAnswer => {
    const result = results?.[at];
    if (result === undefined || result === null) return { problem: 'BadUnexpectedError' };
    if (qualityOf(result.statusCode.value) === 'bad') return { problem: statusName(result.statusCode.value) };
    const values = result.historyData instanceof HistoryData ? (result.historyData.dataValues ?? []) : [];
    const continuation = result.continuationPoint;
    const isMore = continuation !== null && continuation !== undefined && continuation.length > 0;
    return { values: values.filter((value) => value !== null), ...(isMore ? { continuation } : {}) };
  });
}

/** The server need not remember any more where it was. */
export async function releaseHistory(session: RawSession, nodes: readonly HistoryNode[]): Promise<void> {
  const request = new HistoryReadRequest({
    historyReadDetails: new ReadRawModifiedDetails({ isReadModified: false }),
    nodesToRead: nodes.map(toRequest),
    releaseContinuationPoints: true,
  });
  await session.historyRead(request);
}

function toRequest({ nodeId, indexRange, continuation }: HistoryNode) {
  const range = indexRange === undefined ? {} : rangeRequest(indexRange);
  return { nodeId, ...range, ...(continuation === undefined ? {} : { continuationPoint: continuation }) };
}
