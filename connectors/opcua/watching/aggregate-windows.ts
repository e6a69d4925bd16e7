// Values that the server computes of windows of its history: HistoryRead with ReadProcessedDetails, Part 11 §6.4.4, by the functions of
// Part 13. The other way of the standard, an AggregateFilter of a monitored item (Part 4 §7.22.4), is not taken: there are servers
// that agree to it and then send every raw value.
import { AttributeIds, type DataValue, makeNodeId, ReadProcessedDetails } from 'node-opcua-client';
import { badReading, type Reading } from '../../../src/model/reading.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import { AGGREGATE_FUNCTIONS } from '../mapping/aggregate-functions.ts';
import type { UsableNode } from '../nodes/nodes.ts';
import { statusNameOf } from '../protocol/errors.ts';
import type { RawSession } from '../protocol/raw-session.ts';
import { inChunks, type ServerLimits } from '../protocol/requests.ts';
import { toReading } from '../values/reading.ts';
import { type HistoryAnswer, requestHistory } from './history.ts';
import { readNodes } from './polling.ts';

/** OPC UA Part 6, NodeIds.csv. */
const CURRENT_TIME = 2258;
/** The last samples of a window may reach the history a moment after its end. */
export const SETTLE_MS = 500;
/** The server could not be asked: the window is asked for again. */
export const UNANSWERED = 'BadCommunicationError';
/** Nothing to compute from in the window. */
export const EMPTY = 'BadNoData';

export interface Windows {
  readonly startMs: number;
  readonly endMs: number;
  readonly everyMs: number;
}

/** One reading of each node as it is now; where the server computes, of the last window. */
export async function readOnce(
  session: RawSession,
  nodes: readonly UsableNode[],
  limits: ServerLimits,
  clock: Clock,
): Promise<readonly (readonly [Reading, DataValue?])[]> {
  const aggregated = nodes.filter(({ point }) => point.address.serverAggregate !== undefined);
  const plain = nodes.filter(({ point }) => point.address.serverAggregate === undefined);
  const read: (readonly [Reading, DataValue?])[] = [...(await readNodes(session, plain, limits, clock))];
  for (const [everyMs, group] of Map.groupBy(aggregated, ({ point }) => everyOf(point))) {
    const endMs = endOfLast((await serverTime(session, clock)) - SETTLE_MS, everyMs);
    const answers = await readWindows(session, group, { startMs: endMs - everyMs, endMs, everyMs }, limits);
    for (const [at, node] of group.entries()) {
      const answer = answers[at] ?? { problem: UNANSWERED };
      const reading = readingsOf(node, answer, clock.nowMs()).at(-1);
      const value = answer.problem === undefined ? answer.values.at(-1) : undefined;
      if (reading !== undefined) read.push(value === undefined ? [reading] : [reading, value]);
    }
  }
  return read;
}

export function everyOf({ address }: UsableNode['point']): number {
  return address.serverAggregate?.every ?? 0;
}

export function countOf({ startMs, endMs, everyMs }: Windows): number {
  return Math.round((endMs - startMs) / everyMs);
}

export function endOfLast(nowMs: number, everyMs: number): number {
  return Math.floor(nowMs / everyMs) * everyMs;
}

/** The windows are those of the clock that stamps the samples. */
export async function serverTime(session: RawSession, clock: Clock): Promise<number> {
  const node = { nodeId: makeNodeId(CURRENT_TIME), attributeId: AttributeIds.Value };
  const time: unknown = await session.read(node).then(
    ({ value }) => value.value,
    () => undefined,
  );
  return time instanceof Date ? time.getTime() : clock.nowMs();
}

export function readingsOf(node: UsableNode, answer: HistoryAnswer, nowMs: number): readonly Reading[] {
  if (answer.problem !== undefined) return [badReading(node.point, answer.problem, nowMs)];
  if (answer.values.length === 0) return [badReading(node.point, EMPTY, nowMs)];
  return answer.values.map((value) => toReading(node, value, nowMs));
}

export async function readWindows(
  session: RawSession,
  nodes: readonly UsableNode[],
  windows: Windows,
  limits: ServerLimits,
): Promise<readonly HistoryAnswer[]> {
  const { startMs, endMs, everyMs } = windows;
  const request = (chunk: readonly UsableNode[]) => {
    const functions = chunk.map(({ point }) => AGGREGATE_FUNCTIONS[point.address.serverAggregate?.function ?? 'average']);
    const details = new ReadProcessedDetails({
      startTime: new Date(startMs),
      endTime: new Date(endMs),
      processingInterval: everyMs,
      aggregateType: functions.map((id) => makeNodeId(id)),
      aggregateConfiguration: { useServerCapabilitiesDefaults: true },
    });
    return requestHistory(session, details, chunk);
  };
  try {
    return await inChunks(nodes, limits.nodesPerHistoryRead, request);
  } catch (error) {
    const problem = statusNameOf(error) ?? UNANSWERED;
    return nodes.map(() => ({ problem }));
  }
}
