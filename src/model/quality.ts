/** OPC UA Part 8: the two top bits of a status code, as words. */
export type Quality = 'good' | 'uncertain' | 'bad';

/** Worst first. */
const SEVERITY: Readonly<Record<Quality, number>> = { bad: 2, uncertain: 1, good: 0 };

export function worseQuality(a: Quality, b: Quality): Quality {
  return SEVERITY[a] >= SEVERITY[b] ? a : b;
}
