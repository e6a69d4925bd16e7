/**
 * Where inside of a compound value a point lies: `position.x`, `[3]`, `[1][0]` (or `[1,0]`), `track[2].x`. Names are those of the
 * structure's fields, indices count from 0.
 */
export type ValuePath = readonly (string | number)[];

const STEP = /\.?([^.[\]\s][^.[\]]*)|\[(\d{1,9}(?:,\d{1,9})*)\]/y;
/** Deeper is no structure that people make. */
const MAX_STEPS = 16;

/** `undefined` where the text is no path. */
export function parseValuePath(text: string): ValuePath | undefined {
  const steps: (string | number)[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < text.length) {
    const isFirst = STEP.lastIndex === 0;
    const [whole, name, indices] = STEP.exec(text) ?? [];
    if (whole === undefined) return undefined;
    if (name !== undefined && isFirst === whole.startsWith('.')) return undefined;
    if (name === undefined) steps.push(...(indices ?? '').split(',').map(Number));
    else steps.push(name);
  }
  return steps.length > 0 && steps.length <= MAX_STEPS ? steps : undefined;
}

/** OPC UA Part 4 §7.27: `2`, `0:3`, and for several dimensions `1,0:2`. */
const RANGE = /^\d{1,9}(?::\d{1,9})?(?:,\d{1,9}(?::\d{1,9})?)*$/;

export function isIndexRange(text: string): boolean {
  return RANGE.test(text) && text.split(',').every((part) => isRising(part.split(':').map(Number)));
}

function isRising([from = 0, to = Number.POSITIVE_INFINITY]: readonly number[]): boolean {
  return from < to;
}
