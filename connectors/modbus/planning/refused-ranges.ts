import type { GatewayError } from '../../../src/model/error.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { Table } from '../mapping/address.ts';
import type { Fence } from './fence.ts';
import { describeRange, type Range } from './read-items.ts';

/** A range that was refused is asked again after this time, then more and more rarely. */
const FIRST_RETRY_MS = 30_000;
const MAX_RETRY_MS = 3_600_000;

interface Refusal {
  readonly range: Range;
  readonly error: GatewayError;
  retryAtMs: number;
}

/** What devices refused to read, by unit: learnt from exceptions, kept over plans and sessions, forgotten when it is answered. */
export class RefusedRanges {
  readonly #clock: Clock;
  readonly #byUnit = new Map<number, Map<string, Refusal>>();
  /** Kept when a refusal is forgotten: what comes and goes is not asked every 30 s for ever. */
  readonly #waitMs = new Map<string, number>();
  #version = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Rises with everything that is learnt or forgotten: plans made before it are old. */
  get version(): number {
    return this.#version;
  }

  /** Whether that was news. */
  refused(unit: number, range: Range, error: GatewayError): boolean {
    const key = keyOf(unit, range);
    const waitMs = Math.min(2 * (this.#waitMs.get(key) ?? FIRST_RETRY_MS / 2), MAX_RETRY_MS);
    this.#waitMs.set(key, waitMs);
    const ofUnit = this.#byUnit.get(unit) ?? new Map<string, Refusal>();
    this.#byUnit.set(unit, ofUnit);
    const isNew = !ofUnit.has(key);
    ofUnit.set(key, { range, error, retryAtMs: this.#clock.monotonicMs() + waitMs });
    if (isNew) this.#version += 1;
    return isNew;
  }

  hasAny(unit: number): boolean {
    return (this.#byUnit.get(unit)?.size ?? 0) > 0;
  }

  /** What lies within an answer is not refused any more. */
  answered(unit: number, answer: Range): void {
    const ofUnit = this.#byUnit.get(unit);
    for (const [key, { range }] of ofUnit ?? []) {
      if (!contains(answer, range)) continue;
      ofUnit?.delete(key);
      this.#version += 1;
    }
  }

  /** Why a range cannot be read. */
  errorOf(unit: number, range: Range): GatewayError | undefined {
    return this.#of(unit).find((refusal) => contains(range, refusal.range))?.error;
  }

  /** A range that it is time to ask again. Whoever takes it asks. */
  takeDue(unit: number): Range | undefined {
    const nowMs = this.#clock.monotonicMs();
    const due = this.#of(unit).find(({ retryAtMs }) => retryAtMs <= nowMs);
    if (due !== undefined) due.retryAtMs = nowMs + MAX_RETRY_MS;
    return due?.range;
  }

  /** One range came back: so may the others, after a restart or with a new program. */
  askAllAgain(unit: number): void {
    const nowMs = this.#clock.monotonicMs();
    for (const refusal of this.#of(unit)) refusal.retryAtMs = nowMs;
  }

  fenceOf(unit: number): Fence {
    return { ranges: (table: Table) => this.#of(unit).flatMap(({ range }) => (range.table === table ? [range] : [])) };
  }

  /** For `/status`: by unit, as people write it. */
  list(): Readonly<Record<string, readonly string[]>> {
    const known = [...this.#byUnit].filter(([, refusals]) => refusals.size > 0);
    return Object.fromEntries(known.map(([unit]) => [String(unit), this.#of(unit).map(({ range }) => describeRange(range))]));
  }

  #of(unit: number): readonly Refusal[] {
    return [...(this.#byUnit.get(unit)?.values() ?? [])];
  }
}

function keyOf(unit: number, { table, from, to }: Range): string {
  return `${unit} ${table} ${from} ${to}`;
}

function contains(outer: Range, inner: Range): boolean {
  return outer.table === inner.table && outer.from <= inner.from && inner.to <= outer.to;
}
