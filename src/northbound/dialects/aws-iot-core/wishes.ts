import type { CommandResult, PointResult } from '../../../model/command.ts';
import { ERRORS, type ErrorCode } from '../../../model/error.ts';
import { jsonValue } from '../../shapes/envelope.ts';
import { isMap, type JsonMap, writeJson } from './read-json.ts';
import { GATEWAY_KEY } from './reported.ts';

/** A wish that failed for a reason that passes may be tried again after this. */
export const RETRY_AFTER_MS = 60_000;
const MAX_REASON_LENGTH = 200;
const MAX_WISHES = 1_000;
const HELD = { code: 'COMMAND_NOT_APPROVED', message: "it waits for a second person's approval" } as const;

interface Wish {
  /** Value and time of the wish: the same value wished again is a new wish. */
  readonly text: string;
  /** Monotonic. */
  readonly retryAtMs: number;
}

/**
 * What is desired of one twin and was tried already, kept over sessions: a wish that a device refuses stays in the delta of the shadow, and
 * each report would bring it again. Also what is to be told about wishes, until AWS has taken it.
 */
export class Wishes {
  readonly #tried = new Map<string, Wish>();
  #values: Record<string, unknown> = {};
  #refused: Record<string, string | null> = {};
  readonly #known = new Set<string>();

  /** The points of a delta that were not tried yet. `metadata`: when each was wished. */
  fresh(delta: JsonMap, metadata: JsonMap, nowMs: number): readonly string[] {
    return Object.keys(delta).filter((point) => {
      const tried = this.#tried.get(point);
      return point !== GATEWAY_KEY && (tried?.text !== textOf(point, delta, metadata) || nowMs >= tried.retryAtMs);
    });
  }

  begin(points: readonly string[], desired: JsonMap, metadata: JsonMap): void {
    for (const point of points) {
      this.#tried.delete(point);
      this.#tried.set(point, { text: textOf(point, desired, metadata), retryAtMs: Number.POSITIVE_INFINITY });
    }
    for (const oldest of this.#tried.keys()) {
      if (this.#tried.size <= MAX_WISHES) break;
      this.#tried.delete(oldest);
    }
  }

  /** They were not even looked at: they may come again. */
  forget(points: readonly string[]): void {
    for (const point of points) this.#tried.delete(point);
  }

  /** Whether some of them shall be tried again later. */
  settle(points: readonly string[], result: CommandResult, nowMs: number): boolean {
    let isToRetry = false;
    const refusal = result.status === 'held' ? HELD : result.error;
    for (const point of points) {
      const outcome = result.points[point];
      if (outcome?.status === 'written') this.#written(point, outcome);
      else if (this.#failed(point, outcome?.error ?? refusal, nowMs)) isToRetry = true;
    }
    return isToRetry;
  }

  /** What is to be reported, taken out; `undefined`: nothing. */
  take(): JsonMap | undefined {
    const values = this.#values;
    const refused = this.#refused;
    this.#values = {};
    this.#refused = {};
    const isSomethingRefused = Object.keys(refused).length > 0;
    if (!isSomethingRefused && Object.keys(values).length === 0) return undefined;
    return { ...values, ...(isSomethingRefused ? { [GATEWAY_KEY]: { refused } } : {}) };
  }

  /** What was taken out did not get there. What was added since is newer. */
  putBack(report: JsonMap): void {
    const { [GATEWAY_KEY]: own, ...values } = report;
    this.#values = { ...values, ...this.#values };
    if (isMap(own) && isMap(own.refused)) this.#refused = { ...(own.refused as Record<string, string | null>), ...this.#refused };
  }

  #written(point: string, { value }: PointResult): void {
    if (value !== undefined) this.#values[point] = jsonValue(value);
    if (this.#known.delete(point)) this.#refused[point] = null;
  }

  #failed(point: string, error: CommandResult['error'], nowMs: number): boolean {
    const { code, message } = error ?? { code: 'COMMAND_FAILED' satisfies ErrorCode, message: 'it was not written' };
    this.#refused[point] = `${code}: ${message}`.slice(0, MAX_REASON_LENGTH);
    this.#known.add(point);
    const tried = this.#tried.get(point);
    if (!ERRORS[code].retryable || tried === undefined) return false;
    this.#tried.set(point, { ...tried, retryAtMs: nowMs + RETRY_AFTER_MS });
    return true;
  }
}

function textOf(point: string, values: JsonMap, metadata: JsonMap): string {
  return writeJson([values[point], Object.hasOwn(metadata, point) ? metadata[point] : null]);
}
