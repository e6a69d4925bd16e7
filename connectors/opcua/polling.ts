import type { ClientSession, DataValue } from 'node-opcua-client';
import { badReading, type Reading } from '../../src/model/reading.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { PollGroup } from '../../src/southbound/poll-groups.ts';
import type { Counters } from './counters.ts';
import { statusNameOf } from './errors.ts';
import type { UsableNode } from './monitored-item.ts';
import { valueRequest } from './nodes.ts';
import { toReading } from './reading.ts';
import type { RegisteredNodes } from './registered-nodes.ts';
import { readAll, type ServerLimits } from './requests.ts';

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
}

/** Points with one interval, polled together; while the network is away their polls are skipped. */
export function pollGroup(nodes: () => readonly UsableNode[], intervalMs: number, options: PollingOptions): PollGroup {
  return {
    intervalMs,
    poll: async () => {
      if (options.isAway()) options.counters.skipped_polls += 1;
      else await pollOnce(nodes(), options);
    },
  };
}

async function pollOnce(nodes: readonly UsableNode[], options: PollingOptions): Promise<void> {
  const { session, limits, clock, counters, signal, onReadings } = options;
  if (nodes.length === 0) return;
  counters.polls += 1;
  const readable = (await options.registered?.of(nodes)) ?? nodes;
  const readings = await readNodes(session, readable, limits, clock);
  if (!signal.aborted && !options.isAway()) onReadings(readings.map(([reading]) => reading));
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
    const status = statusNameOf(error) ?? 'BadCommunicationError';
    return nodes.map(({ point }) => [badReading(point, status, clock.nowMs())]);
  }
}
