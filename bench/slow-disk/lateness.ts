/**
 * How late the latest of the polls of one unit was, milliseconds, against the pace that the earliest sets. A poll that did not
 * come at all is late by the whole interval.
 */
export function worstLatenessMs(arrivalsMs: readonly number[], intervalMs: number): number {
  const [firstMs = 0] = arrivalsMs;
  const offsets: number[] = [];
  let turn = 0;
  let isMissing = false;
  for (const [index, arrivalMs] of arrivalsMs.entries()) {
    const turns = index === 0 ? 0 : Math.max(1, Math.round((arrivalMs - (arrivalsMs[index - 1] ?? 0)) / intervalMs));
    isMissing ||= turns > 1;
    turn += turns;
    offsets.push(arrivalMs - firstMs - turn * intervalMs);
  }
  const worst = Math.max(...offsets) - Math.min(...offsets);
  return isMissing ? Math.max(worst, intervalMs) : worst;
}
