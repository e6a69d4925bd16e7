import type { Bench } from './harness/bench.ts';
import { GATEWAY_NODE_OPTIONS, startChild } from './harness/child.ts';
import { compare } from './harness/compare.ts';
import type { Row } from './harness/row.ts';

const MIB = 2 ** 20;

/** Resident memory of the gateway with many points, each time in a new process. */
export const memory: Bench = async (effort) => {
  const rows: Row[] = [];
  for (const points of effort.isQuick ? [1_000] : [1_000, 10_000, 100_000]) {
    const note = (ours: number, limit: number) =>
      `the libraries loaded and nothing done, after garbage collection; ${(((ours - limit) * 1_024) / points).toFixed(2)} KiB a point over it`;
    rows.push(
      ...(await compare(
        {
          rows: { mebibytes: { name: `memory, ${points} points`, unit: 'MiB', note } },
          ours: () => resident('./memory/gateway.ts', points),
          limit: () => resident('./memory/bare.ts', points),
        },
        effort,
      )),
    );
  }
  return rows;
};

async function resident(file: string, points: number): Promise<{ readonly mebibytes: number }> {
  const child = await startChild<{ bytes: number }>(
    import.meta.url,
    file,
    [String(points)],
    ['--expose-gc', ...GATEWAY_NODE_OPTIONS],
  );
  await child.stop();
  return { mebibytes: child.ready.bytes / MIB };
}
