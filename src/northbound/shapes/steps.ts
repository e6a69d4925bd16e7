import type { Quality } from '../../model/quality.ts';
import type { TwinMessage } from '../../model/twin-message.ts';
import type { Value } from '../../model/value.ts';

export interface StepValue {
  readonly name: string;
  readonly value: Value | null;
  readonly quality: Quality;
  /** Where the quality is not good. */
  readonly status?: string;
}

/** What was so at one moment, for formats that have one time for all values. */
export interface Step {
  /** UTC, milliseconds since 1970. */
  readonly timeMs: number;
  /** Each point once at most. */
  readonly values: ReadonlyMap<string, StepValue>;
}

/** The values of a message by their time, in order of time. */
export function stepsOf({ startTimeMs, values }: TwinMessage): readonly Step[] {
  const steps: { timeMs: number; values: Map<string, StepValue> }[] = [];
  for (const { timeMs, one } of inOrderOfTime(values, startTimeMs)) {
    const last = steps.at(-1);
    if (last?.timeMs === timeMs && !last.values.has(one.name)) last.values.set(one.name, one);
    else steps.push({ timeMs, values: new Map([[one.name, one]]) });
  }
  return steps;
}

function inOrderOfTime(values: TwinMessage['values'], startTimeMs: number) {
  return Object.entries(values)
    .flatMap(([name, timed]) =>
      timed.map(([offsetMs, value, quality = 'good', status]) => ({
        timeMs: startTimeMs + offsetMs,
        one: { name, value, quality, ...(status === undefined ? {} : { status }) },
      })),
    )
    .toSorted((a, b) => a.timeMs - b.timeMs);
}
