import type { ClientSession, DataValue } from 'node-opcua-client';
import type { DeviceGap, MissedPoint } from '../../../src/model/device-gap.ts';
import type { Point } from '../../../src/model/point.ts';
import { badReading, type Reading } from '../../../src/model/reading.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import { type PollCycle, wallTimeMs } from '../../../src/southbound/poll-cycle.ts';
import type { MissedPolls, PollGroup } from '../../../src/southbound/poll-groups.ts';
import { type FoundNode, type UsableNode, valueRequest } from '../nodes/nodes.ts';
import type { RegisteredNodes } from '../nodes/registered-nodes.ts';
import type { Counters } from '../protocol/counters.ts';
import { statusNameOf, textOf } from '../protocol/errors.ts';
import { readAll, type ServerLimits } from '../protocol/requests.ts';
import { toReading } from '../values/reading.ts';

export interface PollingOptions {
  readonly session: ClientSession;
  readonly limits: ServerLimits;
  /** Absent: the nodes are read by the ids of the mapping. */
  readonly registered?: RegisteredNodes;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly signal: AbortSignal;
  /** While the network is away there is nobody to ask. */
  readonly isAway: () => boolean;
  readonly onReadings: (readings: readonly Reading[]) => void;
  readonly onGap: (gap: DeviceGap) => void;
}

/** Points with one interval, polled together; while the network is away their polls are missed. */
export function pollGroup(nodes: () => readonly FoundNode[], cycle: PollCycle, options: PollingOptions): PollGroup {
  const { clock, counters, signal, isAway, onGap } = options;
  const miss = (points: readonly Point[], missed: Omit<MissedPolls, 'reason'>, reason: DeviceGap['reason']) => {
    for (const gap of missedOf(points, missed, reason)) onGap(gap);
  };
  return {
    cycle,
    onMissed: ({ reason, ...missed }) => miss(nodes().map(pointOf), missed, reason),
    poll: async () => {
      const dueTimeMs = wallTimeMs(clock, cycle.dueMs);
      const missed = { polls: 1, fromTimeMs: dueTimeMs, toTimeMs: dueTimeMs };
      const all = nodes();
      const unread = isAway() ? all : await pollOnce(all.filter(isUsable), options);
      if (signal.aborted) return 'stopped';
      if (isAway()) counters.skipped_polls += 1;
      else miss(all.filter((node) => !isUsable(node)).map(pointOf), missed, 'refused');
      const unanswered = isAway() ? all : unread;
      miss(unanswered.map(pointOf), missed, 'device-away');
      return unanswered.length > 0 ? 'unanswered' : 'answered';
    },
  };
}

/** Polls of points that may be of several devices. */
export function missedOf(
  points: readonly MissedPoint[],
  { polls, fromTimeMs, toTimeMs }: Omit<MissedPolls, 'reason'>,
  reason: DeviceGap['reason'],
): readonly DeviceGap[] {
  return [...Map.groupBy(points, ({ device }) => device)].map(([device, own]) => {
    return { device, reason, points: own, fromTimeMs, toTimeMs, readings: polls * own.length };
  });
}

function pointOf({ point }: FoundNode): Point {
  return point;
}

function isUsable(node: FoundNode): node is UsableNode {
  return node.problem === undefined;
}

/** Gives the nodes of which the server said nothing. */
async function pollOnce(nodes: readonly UsableNode[], options: PollingOptions): Promise<readonly UsableNode[]> {
  const { session, limits, clock, counters, signal, onReadings } = options;
  if (nodes.length === 0) return [];
  counters.polls += 1;
  const readable = (await options.registered?.of(nodes)) ?? nodes;
  const readings = await readNodes(session, readable, limits, clock);
  if (!signal.aborted && !options.isAway()) onReadings(readings.map(([reading]) => reading));
  return nodes.filter((_, at) => readings[at]?.[1] === undefined);
}

/** One reading per node, with the DataValue it came from; a request that fails is a bad reading of each. */
export async function readNodes(
  session: ClientSession,
  nodes: readonly UsableNode[],
  limits: ServerLimits,
  clock: Clock,
): Promise<readonly (readonly [Reading, DataValue?])[]> {
  try {
    const keys = nodes.map(({ nodeId, point }) => `${nodeId} ${point.address.indexRange}`);
    const distinct = new Map(nodes.map((node, at) => [keys[at], node]));
    const answers = await readAll(session, [...distinct.values()].map(valueRequest), limits);
    const values = new Map([...distinct.keys()].map((key, at) => [key, answers[at]]));
    return nodes.map((node, at) => {
      const value = values.get(keys[at]);
      return value === undefined
        ? [badReading(node.point, 'BadNoData', clock.nowMs())]
        : [toReading(node, value, clock.nowMs()), value];
    });
  } catch (error) {
    const isTooLarge = /max message size exceeded/.test(textOf(error));
    const status = isTooLarge ? 'BadResponseTooLarge' : (statusNameOf(error) ?? 'BadCommunicationError');
    return nodes.map(({ point }) => [badReading(point, status, clock.nowMs())]);
  }
}
