/** Of each figure its median over the samples. */
export function medians<Figure extends string>(
  samples: readonly Readonly<Record<Figure, number>>[],
): Readonly<Record<Figure, number>> {
  const names = Object.keys(samples[0] ?? {}) as Figure[];
  const medianOf = (name: Figure) => median(samples.map((sample) => sample[name]));
  return Object.fromEntries(names.map((name) => [name, medianOf(name)])) as Record<Figure, number>;
}

/** The second and the last third of a run: the first is warming up. */
export function laterThirds<Sample>(samples: readonly Sample[]): readonly [early: readonly Sample[], late: readonly Sample[]] {
  const third = Math.floor(samples.length / 3);
  return [samples.slice(third, 2 * third), samples.slice(2 * third)];
}

export function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
