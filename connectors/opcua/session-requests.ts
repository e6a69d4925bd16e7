import type { Point } from '../../src/model/point.ts';
import { badReading } from '../../src/model/reading.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { MethodCall, MethodResult, OneShot, Write, WriteResult } from '../../src/southbound/connector.ts';
import type { OpcuaSettings } from './mapping/settings.ts';
import type { FoundNode, UsableNode } from './nodes/nodes.ts';
import type { Counters } from './protocol/counters.ts';
import { within } from './protocol/deadline.ts';
import { toWriteError } from './protocol/errors.ts';
import type { RawSession } from './protocol/raw-session.ts';
import type { ServerFacts } from './protocol/requests.ts';
import { rawText } from './values/reading.ts';
import { readOnce } from './watching/aggregate-windows.ts';
import { callMethod } from './writing/methods.ts';
import { type DataTypes, writeNode } from './writing/writing.ts';

export interface RequestsContext {
  /** Of the connection, for errors. */
  readonly name: string;
  readonly settings: OpcuaSettings;
  readonly session: RawSession;
  readonly facts: ServerFacts;
  readonly counters: Counters;
  readonly clock: Clock;
  /** Aborted when the session ends. */
  readonly end: AbortSignal;
  readonly node: (point: Point) => FoundNode | undefined;
}

/** What somebody asks of a session, besides what it tells by itself. */
export class Requests {
  readonly #context: RequestsContext;
  readonly #dataTypes: DataTypes = new Map();

  constructor(context: RequestsContext) {
    this.#context = context;
  }

  async read(points: readonly Point[], signal: AbortSignal): Promise<readonly OneShot[]> {
    const { session, facts, clock, counters, node } = this.#context;
    counters.reads += 1;
    const usable = points.map(node).filter((found): found is UsableNode => found?.problem === undefined);
    const reading = usable.length === 0 ? Promise.resolve([]) : readOnce(session, usable, facts.limits, clock);
    const answers = await this.#within(reading, signal, 'reading');
    const found = new Map(
      answers.map(([reading, value]) => [reading.point.id, { ...reading, raw: value === undefined ? '' : rawText(value) }]),
    );
    return points.map((point) => found.get(point.id) ?? { ...badReading(point, this.#problemOf(point), clock.nowMs()), raw: '' });
  }

  async write(writes: readonly Write[], signal: AbortSignal): Promise<readonly WriteResult[]> {
    const { session, counters, node } = this.#context;
    const results: WriteResult[] = [];
    for (const { point, value } of writes) {
      counters.writes += 1;
      const found = node(point);
      if (found === undefined || found.problem !== undefined) {
        results.push({ written: false, error: toWriteError(this.#problemOf(point), point.id) });
      } else {
        results.push(await this.#within(writeNode(session, found, value, this.#dataTypes), signal, 'writing'));
      }
    }
    return results;
  }

  call(call: MethodCall, signal: AbortSignal): Promise<MethodResult> {
    const { session, facts, counters } = this.#context;
    counters.calls += 1;
    return this.#within(callMethod(session, facts, call), signal, 'calling');
  }

  #problemOf(point: Point): string {
    return this.#context.node(point)?.problem ?? 'BadNodeIdUnknown';
  }

  #within<T>(promise: Promise<T>, signal: AbortSignal, doing: string): Promise<T> {
    const { name, settings, end } = this.#context;
    return within(promise, 3 * settings.timeout, AbortSignal.any([signal, end]), name, doing);
  }
}
