import { setTimeout as sleep } from 'node:timers/promises';
import { asyncScheduler } from 'rxjs';
import { loadConfiguration } from '../../src/config/load.ts';
import { startDevice } from '../../src/gateway/device.ts';
import { declarations, openConnector } from '../../src/gateway/plug-ins.ts';
import type { Draft } from '../../src/model/draft.ts';
import type { DevicePlan } from '../../src/model/plan.ts';
import type { Batch, Reading } from '../../src/model/reading.ts';
import { createHistoryPipeline } from '../../src/pipeline/history.ts';
import { LatestReadings } from '../../src/pipeline/latest-readings.ts';
import { operators } from '../../src/pipeline/operators/index.ts';
import { createPipeline } from '../../src/pipeline/pipeline.ts';
import { systemClock as clock } from '../../src/runtime/clock.ts';
import { compactHeap } from '../../src/runtime/compact-heap.ts';
import { silentLog as log } from '../../src/runtime/log.ts';
import { type Acquisition, acquire } from '../../src/southbound/acquisition.ts';
import { tellReady } from '../harness/child.ts';

/**
 * The gateway from the configuration to the end of the pipelines, where the spool would begin: connections kept open, every
 * device polled or subscribed, messages made and counted. Tells what it took.
 */
const [directory = '', warmUpMs = 0, sampleMs = 0, writes = 0] = [process.argv[2], ...process.argv.slice(3).map(Number)];

export interface Taken {
  readonly valuesPerSecond: number;
  /** Share of one core, all threads. */
  readonly cores: number;
  readonly residentBytes: number;
  readonly writesMs: readonly number[];
  readonly badValues: number;
}

const { plan, problems } = await loadConfiguration(directory, declarations);
if (plan === undefined) throw new Error(problems.map(({ message }) => message).join('\n'));

compactHeap();
const { gateway } = plan;
let values = 0;
let badValues = 0;
const latest = new LatestReadings(plan.devices);
const spool = {
  append: async ([draft]: readonly Draft[]) => {
    for (const timed of Object.values(draft?.message.values ?? {})) count(timed);
  },
};
const running = new Map(plan.devices.map((device) => [device.twin, start(device)]));
const never = new AbortController().signal;
const acquisitions: Acquisition[] = [];
for (const connection of plan.connections) {
  const connector = await openConnector(connection, plan.gateway.id, { log, clock, stateDirectory: directory });
  const onBatch = (batch: Batch) => running.get(batch.device)?.take(batch);
  acquisitions.push(acquire(connector, { plan: connection, clock, log, signal: never, onBatch }));
}
await sleep(warmUpMs);
tellReady(await measure());

function start(device: DevicePlan) {
  const onEngineering = (readings: readonly Reading[]) => latest.keep(readings);
  const pipeline = createPipeline(device, operators, asyncScheduler, { gateway, onEngineering });
  const historyPipeline = createHistoryPipeline(device, operators, asyncScheduler, { gateway });
  return startDevice({ device, gateway, pipeline, historyPipeline, spool, scheduler: asyncScheduler, log });
}

/** Time, value, and quality where it is not good. */
function count(timed: readonly (readonly unknown[])[]): void {
  values += timed.length;
  for (const one of timed) if (one.length > 2) badValues += 1;
}

async function measure(): Promise<Taken> {
  [values, badValues] = [0, 0];
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  const [writesMs] = await Promise.all([writeInTurn(), sleep(sampleMs)]);
  const seconds = (performance.now() - startMs) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    valuesPerSecond: values / seconds,
    cores: (user + system) / 1e6 / seconds,
    residentBytes: process.memoryUsage.rss(),
    writesMs,
    badValues,
  };
}

/** One after the other, spread over the time that is looked at, to every device in turn. */
async function writeInTurn(): Promise<readonly number[]> {
  const taken: number[] = [];
  const devices = plan?.connections.flatMap((connection, index) => connection.devices.map((device) => ({ device, index }))) ?? [];
  for (let write = 0; write < writes; write += 1) {
    const { device, index = 0 } = devices[(write * 7) % devices.length] ?? {};
    const point = device?.points.find(({ point: { name } }) => name === 'p0')?.point;
    const session = acquisitions[index]?.session;
    if (point === undefined || session === undefined) throw new Error(`nothing to write to: connection ${index}`);
    const startMs = performance.now();
    const [result] = await session.write([{ point, value: write }], never);
    if (result?.written !== true) throw result?.error ?? new Error('not written');
    taken.push(performance.now() - startMs);
    await sleep(Math.max(0, sampleMs / writes - (taken.at(-1) ?? 0)));
  }
  return taken;
}
