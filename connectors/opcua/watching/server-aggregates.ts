import type { DeviceGap } from '../../../src/model/device-gap.ts';
import type { Reading } from '../../../src/model/reading.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { Log } from '../../../src/runtime/log.ts';
import { type Refusal, refusalOf } from '../mapping/aggregate-functions.ts';
import type { OpcuaSettings } from '../mapping/settings.ts';
import type { FoundNode, UsableNode } from '../nodes/nodes.ts';
import type { Counters } from '../protocol/counters.ts';
import type { RawSession } from '../protocol/raw-session.ts';
import type { ServerFacts } from '../protocol/requests.ts';
import {
  countOf,
  EMPTY,
  endOfLast,
  everyOf,
  readingsOf,
  readWindows,
  SETTLE_MS,
  serverTime,
  UNANSWERED,
  type Windows,
} from './aggregate-windows.ts';
import type { HistoryAnswer } from './history.ts';
import type { Memory } from './memory.ts';
import { missedOf } from './polling.ts';
import { Retries } from './retries.ts';

/** After a break; more windows at once make large answers. */
const MAX_WINDOWS = 1_000;

interface AggregatesContext {
  readonly session: RawSession;
  readonly settings: Pick<OpcuaSettings, 'backfill'>;
  readonly facts: ServerFacts;
  readonly memory: Pick<Memory, 'aggregated' | 'missing'>;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly isAway: () => boolean;
  readonly onReadings: (readings: readonly Reading[]) => void;
  readonly onHistory: (readings: readonly Reading[]) => void;
  /** Called with windows that were not computed, or cannot be asked for any more. */
  readonly onGap: (gap: DeviceGap) => void;
  readonly onFailure: (error: unknown) => void;
  /** All that there are now: patterns bring others in. */
  readonly points: () => readonly UsableNode['point'][];
  /** Windows of the points that a pattern may bring. */
  readonly windowsOfPatterns: readonly number[];
  readonly node: (point: UsableNode['point']) => FoundNode | undefined;
}

export class ServerAggregates {
  readonly #context: AggregatesContext;
  readonly #refusals = new Map<string, Refusal>();
  readonly #retries: Retries;
  /** When the first attempt for a session failed, or the one before was lost; by our clock. */
  readonly #awayTimeMs: number | undefined;

  constructor(context: AggregatesContext) {
    this.#context = context;
    this.#retries = new Retries(context.clock);
    this.#awayTimeMs = context.memory.missing.awayTimeMs;
  }

  get #points(): readonly UsableNode['point'][] {
    return this.#context.points().filter(({ address }) => address.serverAggregate !== undefined);
  }

  /** What the server does not compute: point id, milliseconds until the next try, and why. */
  get refusals(): readonly (readonly [id: string, waitMs: number | undefined, refusal: Refusal])[] {
    return [...this.#refusals].map(([id, refusal]) => [id, this.#retries.waitMs(id), refusal]);
  }

  start(): void {
    for (const everyMs of new Set([...this.#context.windowsOfPatterns, ...this.#points.map(everyOf)]))
      this.#run(everyMs).catch(this.#context.onFailure);
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
    const { session, clock, counters, settings } = this.#context;
    const nowMs = await serverTime(session, clock);
    const endMs = endOfLast(nowMs - SETTLE_MS, everyMs);
    const most = Math.min(MAX_WINDOWS, Math.max(1, Math.floor(Number(settings.backfill) / everyMs)));
    const earliestMs = endMs - most * everyMs;
    const firstMs = Math.min(endMs - everyMs, endOfLast(nowMs - this.#awayForMs(), everyMs));
    for (const [sinceMs, nodes] of Map.groupBy(
      this.#due(everyMs),
      ({ point }) => this.#since(point, endMs, everyMs) ?? firstMs,
    )) {
      if (sinceMs >= endMs) continue;
      const windows = { startMs: Math.max(earliestMs, sinceMs), endMs, everyMs };
      this.#giveUp(nodes, { ...windows, startMs: sinceMs, endMs: windows.startMs });
      counters.polls += 1;
      this.#take(nodes, await readWindows(session, nodes, windows, this.#context.facts.limits), windows);
    }
    return nowMs;
  }

  /** Up to when its windows were told. A server whose clock was set back counts anew: it would be silent until the time it had shown. */
  #since({ id }: UsableNode['point'], endMs: number, everyMs: number): number | undefined {
    const sinceMs = this.#context.memory.aggregated.get(id);
    return sinceMs !== undefined && sinceMs > endMs + everyMs ? endMs - everyMs : sinceMs;
  }

  #awayForMs(): number {
    return this.#awayTimeMs === undefined ? 0 : this.#context.clock.nowMs() - this.#awayTimeMs;
  }

  /** They ended too long ago to be asked for. */
  #giveUp(nodes: readonly UsableNode[], windows: Windows): void {
    if (windows.startMs >= windows.endMs) return;
    this.#tellMissing(nodes, countOf(windows), windows, 'device-away');
    for (const { point } of nodes) this.#context.memory.aggregated.set(point.id, windows.endMs);
  }

  #tellMissing(nodes: readonly UsableNode[], polls: number, { startMs, endMs }: Windows, reason: DeviceGap['reason']): void {
    const points = nodes.map(({ point }) => point);
    for (const gap of missedOf(points, { polls, fromTimeMs: startMs, toTimeMs: endMs }, reason)) this.#context.onGap(gap);
  }

  #due(everyMs: number): readonly UsableNode[] {
    return this.#points
      .filter((point) => everyOf(point) === everyMs && (this.#retries.waitMs(point.id) ?? 0) === 0)
      .map((point) => this.#context.node(point))
      .filter((node): node is UsableNode => node !== undefined && node.problem === undefined);
  }

  /** What ended before the last window is history by now. */
  #take(nodes: readonly UsableNode[], answers: readonly HistoryAnswer[], windows: Windows): void {
    const { clock, memory, signal, isAway, onReadings, onHistory } = this.#context;
    if (signal.aborted || isAway()) return;
    const [latest, earlier, refused]: [Reading[], Reading[], [string, Refusal][]] = [[], [], []];
    const lacking = new Map<UsableNode, number>();
    for (const [at, node] of nodes.entries()) {
      const answer = answers[at] ?? { problem: UNANSWERED };
      const readings = readingsOf(node, answer, clock.nowMs());
      latest.push(...readings.slice(-1));
      earlier.push(...readings.slice(0, -1));
      if (answer.problem !== UNANSWERED) {
        memory.aggregated.set(node.point.id, windows.endMs);
        lacking.set(node, countOf(windows) - readings.length);
      }
      const refusal = this.#noteRefusal(node.point.id, answer.problem);
      if (refusal !== undefined) refused.push([node.point.id, refusal]);
    }
    this.#tellRefusals(refused);
    for (const [count, some] of Map.groupBy(lacking.keys(), (node) => lacking.get(node) ?? 0))
      if (count > 0) this.#tellMissing(some, count, windows, 'refused');
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
