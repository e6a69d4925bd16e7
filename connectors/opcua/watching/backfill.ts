import type { DataValue } from 'node-opcua-client';
import type { DeviceGap } from '../../../src/model/device-gap.ts';
import type { Point } from '../../../src/model/point.ts';
import type { Reading } from '../../../src/model/reading.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { FoundNode, UsableNode } from '../nodes/nodes.ts';
import type { Counters } from '../protocol/counters.ts';
import { statusNameOf } from '../protocol/errors.ts';
import type { RawSession } from '../protocol/raw-session.ts';
import { inChunks, type ServerFacts } from '../protocol/requests.ts';
import { toReading } from '../values/reading.ts';
import { type HistoryNode, haveHistory, readHistory, releaseHistory } from './history.ts';
import type { HistoryDoubt } from './history-doubt.ts';
import { endMs, type Span, startMs, tellSpan, untold } from './span.ts';

export interface BackfillContext {
  readonly session: RawSession;
  readonly facts: ServerFacts;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly signal: AbortSignal;
  /** Waiting spans; those that are left when the session is lost are the next one's. */
  readonly spans: Span[];
  readonly historyDoubt: HistoryDoubt;
  /** Older history is not fetched. */
  readonly atMostMs: number;
  readonly isAway: () => boolean;
  readonly node: (point: Point) => FoundNode | undefined;
  readonly onHistory: (readings: readonly Reading[]) => void;
  readonly onGap: (gap: DeviceGap) => void;
}

/** A server that writes its history a little later than it tells the values gets so long. */
const SETTLE_MS = 1_000;
/** Spans that begin within so much of one another are asked for together. */
const BUCKET_MS = 10_000;
/** More of one node after one break is not fetched. */
export const MAX_VALUES = 100_000;

interface Task {
  readonly span: Span;
  readonly nodes: readonly UsableNode[];
  readonly continuation?: Buffer;
  readonly values: number;
}

/** Fetches what happened while nobody was told, from the history of the server, one request after the other. */
export class Backfill {
  readonly #context: BackfillContext;
  /** Status names by point id of what could not be had, of the last breaks. */
  readonly problems = new Map<string, string>();
  #isRunning = false;

  constructor(context: BackfillContext) {
    this.#context = context;
  }

  add(span: Span): void {
    if (endMs(span) <= startMs(span)) return;
    this.#context.spans.push(span);
    this.start();
  }

  /** Goes on with what waits; called when there may be something to do. */
  start(): void {
    if (this.#isRunning || this.#context.spans.length === 0) return;
    this.#isRunning = true;
    void this.#run().finally(() => {
      this.#isRunning = false;
    });
  }

  async #run(): Promise<void> {
    const { clock, signal, spans, isAway } = this.#context;
    while (!signal.aborted && spans.length > 0) {
      await clock.sleep(SETTLE_MS, signal).catch(() => {});
      if (signal.aborted || isAway()) continue;
      const taken = spans.slice();
      if (await this.#fill(taken)) spans.splice(0, taken.length);
    }
  }

  /** False where the connection broke meanwhile: they wait on. */
  async #fill(spans: readonly Span[]): Promise<boolean> {
    const { clock, signal, isAway, historyDoubt } = this.#context;
    if (historyDoubt.isAtRest(clock.monotonicMs())) {
      this.#failAll(spans, 'BadCommunicationError');
      return true;
    }
    historyDoubt.ask(clock.monotonicMs());
    try {
      await this.#fetch(spans);
    } catch (error) {
      if (signal.aborted || isAway()) return false;
      this.#failAll(spans, statusNameOf(error) ?? 'BadCommunicationError');
    }
    if (!signal.aborted) historyDoubt.answered();
    return !signal.aborted;
  }

  #failAll(spans: readonly Span[], problem: string): void {
    for (const span of spans) this.#fail(span, problem);
  }

  async #fetch(spans: readonly Span[]): Promise<void> {
    const { session, facts } = this.#context;
    const tasks = spans.flatMap((span): Task[] => {
      const nodes = span.points.map((point) => this.#context.node(point)).filter((node) => node?.problem === undefined);
      if (nodes.length === span.points.length) return [{ span, nodes: nodes as readonly UsableNode[], values: 0 }];
      this.#tell(span);
      return [];
    });
    const nodeIds = tasks.flatMap(({ nodes: [node] }) => (node === undefined ? [] : [node.nodeId]));
    const may = await haveHistory(session, nodeIds, facts.limits);
    for (const [at, { span }] of tasks.entries()) if (may[at] !== true) this.#tell(span);
    const buckets = Map.groupBy(
      tasks.filter((_, at) => may[at] === true),
      ({ span }) => Math.floor(startMs(span) / BUCKET_MS),
    );
    for (const bucket of buckets.values()) await inChunks(bucket, facts.limits.nodesPerHistoryRead, (chunk) => this.#read(chunk));
  }

  /** All rounds of one chunk. */
  async #read(chunk: readonly Task[]): Promise<readonly never[]> {
    const { session, signal, atMostMs } = this.#context;
    const end = Math.max(...chunk.map(({ span }) => endMs(span)));
    const start = Math.max(end - atMostMs, Math.min(...chunk.map(({ span }) => startMs(span))));
    for (const { span } of chunk) if (startMs(span) < start) this.#tell(span);
    let tasks = chunk;
    while (tasks.length > 0 && !signal.aborted) {
      const answers = await readHistory(session, tasks.map(toNode), { startMs: start, endMs: end });
      const next = tasks.flatMap((task, at): Task[] => {
        const answer = answers[at];
        if (answer?.problem !== undefined || answer === undefined) {
          this.#fail(task.span, answer?.problem ?? 'BadUnexpectedError');
          return [];
        }
        this.#take(task, answer.values);
        const { continuation } = answer;
        return continuation === undefined ? [] : [{ ...task, continuation, values: task.values + answer.values.length }];
      });
      const tooMany = next.filter(({ values }) => values >= MAX_VALUES);
      for (const { span } of tooMany) this.#fail(span, 'BadTooManyMatches');
      if (tooMany.length > 0) await releaseHistory(session, tooMany.map(toNode));
      tasks = next.filter(({ values }) => values < MAX_VALUES);
    }
    return [];
  }

  #take({ span, nodes }: Task, values: readonly DataValue[]): void {
    const { clock, counters, onHistory } = this.#context;
    const nowMs = clock.nowMs();
    const told = nodes.map((node, at) => {
      const [before, after] = [span.before[at], span.after[at]];
      if (before === undefined || after === undefined) return [];
      return untold(
        values.map((value) => toReading(node, value, nowMs)),
        before,
        after,
      );
    });
    span.before = span.before.map((before, at) => told[at]?.at(-1) ?? before);
    const readings = told.flat();
    counters.backfilled_values += readings.length;
    if (readings.length > 0) onHistory(readings);
  }

  #fail(span: Span, problem: string): void {
    this.#context.counters.backfill_failures += 1;
    for (const { id } of span.points) this.problems.set(id, problem);
    this.#tell(span);
  }

  #tell(span: Span): void {
    for (const gap of tellSpan(span)) this.#context.onGap(gap);
  }
}

function toNode({ nodes, continuation }: Task): HistoryNode {
  const [node] = nodes;
  if (node === undefined) throw new RangeError('a task without nodes');
  const { nodeId, point } = node;
  const { indexRange } = point.address;
  return continuation === undefined ? { nodeId, indexRange } : { nodeId, indexRange, continuation };
}
