/** How fast something went, and what it cost this process, all its threads together. */
export interface Sample {
  readonly perSecond: number;
  /** Microseconds of CPU for one. */
  readonly cpuMicros: number;
}

/** `run` resolves with how many were done. */
export async function sample(run: () => Promise<number>): Promise<Sample> {
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  const count = await run();
  const seconds = (performance.now() - startMs) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: count / seconds, cpuMicros: (user + system) / count };
}
