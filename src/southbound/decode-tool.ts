import type { ConnectionPlan, PointPlan } from '../model/plan.ts';
import type { Point } from '../model/point.ts';
import type { Reading } from '../model/reading.ts';
import type { Value } from '../model/value.ts';

export interface DecodeRequest {
  /** Open, of this connection. */
  readonly session: { read(points: readonly Point[], signal: AbortSignal): Promise<readonly Reading[]> };
  readonly connection: ConnectionPlan;
  readonly point: PointPlan;
  /** So many registers further on, or back, than the mapping says: lists count from 0 or from 1. */
  readonly shift: number;
  /** Whether a value fits the `range` of the mapping, after `scale`; `undefined` where it has none. */
  isInRange(value: Value): boolean | undefined;
  readonly signal: AbortSignal;
}

/** What the registers around a point are in every type and order. */
export interface Decoding {
  /** As in a mapping: `holding: 100`. */
  readonly place: string;
  readonly registers: readonly SeenRegister[];
  readonly rows: readonly DecodedRow[];
  /** The plausible row that is most like what the mapping has. */
  readonly best: number | undefined;
}

export interface SeenRegister {
  readonly at: string;
  readonly hex: string;
}

export interface DecodedRow {
  /** From 1. */
  readonly number: number;
  readonly type: string;
  readonly encoding?: string;
  /** Of a date-time: where its parts lie. */
  readonly format?: string;
  /** `CDAB` */
  readonly order: string;
  /** The registers that make the value, as hexadecimal digits. */
  readonly registers: string;
  /** `null`: the registers are no such value. */
  readonly value: Value | null;
  readonly isPlausible: boolean;
  /** Which of the rules said so. */
  readonly reason: string;
  /** What goes into the mapping. */
  readonly lines: readonly string[];
}

/** For people: by which rules a value is called plausible. */
export const PLAUSIBLE_RULES: readonly string[] = [
  'floats: finite, and zero or from 0.000001 to 1 000 000 000, of either sign',
  'whole numbers of 16 bits: from −10 000 to 60 000; of 32 bits: up to 10 000 000; of more: up to 10^12',
  'numbers where the mapping has a `range`: inside of it, after `scale`',
  'date-times: from 2010 to 2039',
  'text: at least three characters, every one printable, two thirds of them ASCII',
];
