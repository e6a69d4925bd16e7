import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench } from './harness/bench.ts';
import { compare } from './harness/compare.ts';
import type { Effort } from './harness/effort.ts';
import type { Row } from './harness/row.ts';
import type { Sample } from './harness/sample.ts';
import { type Counting, countBare } from './opcua/bare-client.ts';
import { ChangeCounter } from './opcua/change-counter.ts';
import { countAtPipelineEnd, planOf } from './opcua/pipeline-client.ts';
import { startPlant } from './opcua/plant.ts';

const BARE = 'node-opcua-client with its bare services, which only counts';
/** What a server keeps to itself while only the setting up is looked at. */
const STANDSTILL_MS = 3_600_000;
const SETUP_PUBLISHING_MS = 50;

/** OPC UA: value changes at the end of the pipeline, and how soon the items are there. Only one side is connected at a time. */
export const opcua: Bench = async (effort) => {
  const stateDirectory = await mkdtemp(join(tmpdir(), 'bench-opcua-'));
  try {
    return [
      ...(await compareChanges(effort, stateDirectory, 100, '')),
      ...(await compareChanges(effort, stateDirectory, 20, ', flooded')),
      ...(await compareSetup(effort, stateDirectory)),
    ];
  } finally {
    await rm(stateDirectory, { recursive: true, force: true });
  }
};

async function compareChanges(
  effort: Effort,
  stateDirectory: string,
  intervalMs: number,
  suffix: string,
): Promise<readonly Row[]> {
  const items = effort.isQuick ? 100 : 10_000;
  const plant = await startPlant({ variables: items, intervalMs });
  const asked = `${items} items × ${intervalMs} ms = ${(items * 1_000) / intervalMs} changes/s of ${plant.name}`;
  const options = { ...plant, items, intervalMs };
  const plan = planOf(options);
  const count = async (open: (counter: ChangeCounter) => Promise<() => Promise<void>>): Promise<Sample> => {
    const counter = new ChangeCounter();
    const end = await open(counter);
    try {
      // What was gathered while the items were made comes first.
      await counter.sample(3 * intervalMs);
      return await counter.sample(effort.sampleMs);
    } finally {
      await end();
    }
  };
  try {
    return await compare(
      {
        rows: {
          perSecond: { name: `opcua${suffix}`, unit: 'changes/s', note: `${BARE}. ${asked}` },
          cpuMicros: { name: `opcua${suffix}, CPU`, unit: 'µs/change', note: `${BARE}, and makes no reading of a change` },
        },
        ours: () => count((counter) => countAtPipelineEnd(plan, stateDirectory, counter)),
        limit: () => count((counter) => countBare(options, counter)),
      },
      effort,
    );
  } finally {
    await plant.stop();
  }
}

async function compareSetup(effort: Effort, stateDirectory: string): Promise<readonly Row[]> {
  const items = effort.isQuick ? 100 : 50_000;
  const plant = await startPlant({ variables: items, intervalMs: STANDSTILL_MS });
  const options = { ...plant, items, intervalMs: SETUP_PUBLISHING_MS };
  const plan = planOf(options);
  const setUp = async (open: (counting: Counting) => Promise<() => Promise<void>>) => {
    const startMs = performance.now();
    let openMs = startMs;
    const complete = Promise.withResolvers<void>();
    let missing = items;
    const end = await open({
      onOpen: () => {
        openMs = performance.now();
      },
      add: (values) => {
        missing -= values;
        if (missing <= 0) complete.resolve();
      },
    });
    await complete.promise;
    const nowMs = performance.now();
    await end();
    return { perSecond: (items * 1_000) / (nowMs - openMs), withConnect: (items * 1_000) / (nowMs - startMs) };
  };
  const note = `${items} items, to the first value of each; of ${plant.name}`;
  try {
    return await compare(
      {
        rows: {
          perSecond: { name: 'opcua, set up', unit: 'items/s', note: `${BARE}. ${note}` },
          withConnect: {
            name: 'opcua, connect and set up',
            unit: 'items/s',
            note: 'the same, from the connect on. The bare client asks for no node whether it still is what it was; ours reads browse name and data type of each',
          },
        },
        ours: () => setUp((counting) => countAtPipelineEnd(plan, stateDirectory, counting)),
        limit: () => setUp((counting) => countBare(options, counting)),
      },
      effort,
    );
  } finally {
    await plant.stop();
  }
}
