// Values that the server computes of windows of its history: HistoryRead with ReadProcessedDetails, Part 11 §6.4.4, by the functions of
// Part 13. The other way of the standard, an AggregateFilter of a monitored item (Part 4 §7.22.4), is not taken: there are servers
// that agree to it and then send every raw value.
import { AttributeIds, type DataValue, makeNodeId, ReadProcessedDetails } from 'node-opcua-client';
import { badReading, type Reading } from '../../src/model/reading.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Log } from '../../src/runtime/log.ts';
import { AGGREGATE_FUNCTIONS, type Refusal, refusalOf } from './aggregate-functions.ts';
import type { Counters } from './counters.ts';
import { statusNameOf } from './errors.ts';
import { type HistoryAnswer, requestHistory } from './history.ts';
import type { Memory } from './memory.ts';
import type { UsableNode } from './monitored-item.ts';
import type { FoundNode } from './nodes.ts';
import { readNodes } from './polling.ts';
import type { RawSession } from './raw-session.ts';
import { toReading } from './reading.ts';
import { inChunks, type ServerFacts, type ServerLimits } from './requests.ts';
import { Retries } from './retries.ts';
import type { OpcuaSettings } from './settings.ts';

/** OPC UA Part 6, NodeIds.csv. */
const CURRENT_TIME = 2258;
/** The last samples of a window may reach the history a moment after its end. */
const SETTLE_MS = 500;
/** After a break; more windows at once make large answers. */
const MAX_WINDOWS = 1_000;
/** The server could not be asked: the window is asked for again. */
const UNANSWERED = 'BadCommunicationError';
/** Nothing to compute from in the window. */
const EMPTY = 'BadNoData';

interface Windows {
  readonly startMs: number;
  readonly endMs: number;
  readonly everyMs: number;
}

interface AggregatesContext {
  readonly session: RawSession;
  readonly settings: Pick<OpcuaSettings, 'backfill'>;
  readonly facts: ServerFacts;
  readonly memory: Pick<Memory, 'aggregated'>;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly isAway: () => boolean;
  readonly onReadings: (readings: readonly Reading[]) => void;
  readonly onHistory: (readings: readonly Reading[]) => void;
  readonly onFailure: (error: unknown) => void;
  readonly node: (point: UsableNode['point']) => FoundNode | undefined;
}

export class ServerAggregates {
  readonly #context: AggregatesContext;
  readonly #points: readonly UsableNode['point'][];
  readonly #refusals = new Map<string, Refusal>();
  readonly #retries: Retries;

  constructor(nodes: readonly FoundNode[], context: AggregatesContext) {
    this.#context = context;
    this.#retries = new Retries(context.clock);
    this.#points = nodes.map(({ point }) => point).filter(({ address }) => address.serverAggregate !== undefined);
  }

  /** What the server does not compute: point id, milliseconds until the next try, and why. */
  get refusals(): readonly (readonly [id: string, waitMs: number | undefined, refusal: Refusal])[] {
    return [...this.#refusals].map(([id, refusal]) => [id, this.#retries.waitMs(id), refusal]);
  }

  start(): void {
    for (const everyMs of new Set(this.#points.map(everyOf))) this.#run(everyMs).catch(this.#context.onFailure);
  }

  async #run(everyMs: number): Promise<void> {
    const { clock, signal, counters, isAway } = this.#context;
    while (!signal.aborted) {
      const nowMs = isAway() ? clock.nowMs() : await this.#poll(everyMs);
      if (isAway()) counters.skipped_polls += 1;
      await clock.sleep(everyMs - ((nowMs - SETTLE_MS) % everyMs), signal).catch(() => {});
    }
  }

  /** Asks for the windows that have ended since the last time; gives the time of the server. */
  async #poll(everyMs: number): Promise<number> {
    const { session, clock, counters, memory, settings } = this.#context;
    const nowMs = await serverTime(session, clock);
    const endMs = endOfLast(nowMs - SETTLE_MS, everyMs);
    const earliestMs = endMs - Math.min(MAX_WINDOWS * everyMs, Math.max(everyMs, Number(settings.backfill)));
    const startOf = ({ point }: UsableNode) => Math.max(earliestMs, memory.aggregated.get(point.id) ?? endMs - everyMs);
    for (const [startMs, nodes] of Map.groupBy(this.#due(everyMs), startOf)) {
      if (startMs >= endMs) continue;
      counters.polls += 1;
      this.#take(nodes, await readWindows(session, nodes, { startMs, endMs, everyMs }, this.#context.facts.limits), endMs);
    }
    return nowMs;
  }

  #due(everyMs: number): readonly UsableNode[] {
    return this.#points
      .filter((point) => everyOf(point) === everyMs && (this.#retries.waitMs(point.id) ?? 0) === 0)
      .map((point) => this.#context.node(point))
      .filter((node): node is UsableNode => node !== undefined && node.problem === undefined);
  }

  /** What ended before the last window is history by now. */
  #take(nodes: readonly UsableNode[], answers: readonly HistoryAnswer[], endMs: number): void {
    const { clock, memory, signal, isAway, onReadings, onHistory } = this.#context;
    if (signal.aborted || isAway()) return;
    const [latest, earlier, refused]: [Reading[], Reading[], [string, Refusal][]] = [[], [], []];
    for (const [at, node] of nodes.entries()) {
      const answer = answers[at] ?? { problem: UNANSWERED };
      const readings = readingsOf(node, answer, clock.nowMs());
      latest.push(...readings.slice(-1));
      earlier.push(...readings.slice(0, -1));
      if (answer.problem !== UNANSWERED) memory.aggregated.set(node.point.id, endMs);
      const refusal = this.#noteRefusal(node.point.id, answer.problem);
      if (refusal !== undefined) refused.push([node.point.id, refusal]);
    }
    this.#tellRefusals(refused);
    if (earlier.length > 0) onHistory(earlier);
    onReadings(latest);
  }

  /** Gives what is refused now and was not before. */
  #noteRefusal(id: string, problem: string | undefined): Refusal | undefined {
    if (problem === UNANSWERED) return undefined;
    if (problem === undefined || problem === EMPTY) {
      this.#refusals.delete(id);
      this.#retries.succeed(id);
      return undefined;
    }
    const before = this.#refusals.get(id)?.status;
    const refusal = refusalOf(problem);
    this.#refusals.set(id, refusal);
    this.#retries.fail(id);
    return before === problem ? undefined : refusal;
  }

  #tellRefusals(refused: readonly (readonly [string, Refusal])[]): void {
    for (const [status, all] of Map.groupBy(refused, ([, { status }]) => status)) {
      const [[example, refusal] = []] = all;
      this.#context.log.warn('opcua aggregate refused', { status, points: all.length, example, hint: refusal?.hint });
    }
  }
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

function everyOf({ address }: UsableNode['point']): number {
  return address.serverAggregate?.every ?? 0;
}

function endOfLast(nowMs: number, everyMs: number): number {
  return Math.floor(nowMs / everyMs) * everyMs;
}

/** The windows are those of the clock that stamps the samples. */
async function serverTime(session: RawSession, clock: Clock): Promise<number> {
  const node = { nodeId: makeNodeId(CURRENT_TIME), attributeId: AttributeIds.Value };
  const time: unknown = await session.read(node).then(
    ({ value }) => value.value,
    () => undefined,
  );
  return time instanceof Date ? time.getTime() : clock.nowMs();
}

function readingsOf(node: UsableNode, answer: HistoryAnswer, nowMs: number): readonly Reading[] {
  if (answer.problem !== undefined) return [badReading(node.point, answer.problem, nowMs)];
  if (answer.values.length === 0) return [badReading(node.point, EMPTY, nowMs)];
  return answer.values.map((value) => toReading(node, value, nowMs));
}

async function readWindows(
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
