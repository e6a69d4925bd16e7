import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Bench } from './harness/bench.ts';
import { startBenchBroker } from './harness/broker.ts';
import { type Child, startChild } from './harness/child.ts';
import { modbusMapping } from './harness/modbus-plant.ts';
import { aimRow, type Row } from './harness/row.ts';
import { WholeGateway } from './harness/whole-gateway.ts';
import { worstLatenessMs } from './slow-disk/lateness.ts';

const UNITS = 10;
const POINTS = 50;
const INTERVAL_MS = 100;
const AIM_MS = 20;
const HELD_MS = 2_000;

/** The field side while every fdatasync takes two seconds: how late polls are, as the units see it. */
export const slowDisk: Bench = async ({ isQuick }) => {
  const [warmUpMs, sampleMs] = isQuick ? [200, 1_300] : [5_000, 20_000];
  const directory = await mkdtemp(join(tmpdir(), 'bench-slow-disk-'));
  const slow = join(directory, 'slow');
  const library = await compile(directory);
  if (library === undefined) {
    process.stderr.write('slow-disk: left out, needs a C compiler: sudo apt-get install gcc\n');
    return [];
  }
  const broker = await startBenchBroker();
  const units: Units = await startChild(import.meta.url, './slow-disk/units.ts', [String(UNITS)]);
  const environment = { LD_PRELOAD: library, SLOW_SYNC_FILE: slow, SLOW_SYNC_MS: String(HELD_MS) };
  const devices = units.ready.ports.map((port) => ({ port, unit: 1 }));
  const mapping = modbusMapping({ devices, points: POINTS, intervalMs: INTERVAL_MS, messageAge: '200 ms' });
  const mappings = { 'plant.yaml': mapping };
  const gateway = await WholeGateway.start({ directory, brokerPort: broker.port, mappings, environment });
  try {
    await sleep(warmUpMs);
    const quick = await look();
    await writeFile(slow, '');
    // What was under way was not held.
    await sleep(HELD_MS);
    const held = await look();
    return toRows(held, quick);
  } finally {
    await rm(slow, { force: true });
    await gateway.stop();
    await units.stop();
    await broker.stop();
    await rm(directory, { recursive: true, force: true });
  }

  async function look(): Promise<Look> {
    await arrivalsOf(units);
    const commits = await commitsOf(gateway);
    await sleep(sampleMs);
    const arrivals = await arrivalsOf(units);
    return {
      latenessMs: Math.max(...arrivals.map((each) => worstLatenessMs(each, INTERVAL_MS))),
      polls: arrivals.flat().length,
      commits: (await commitsOf(gateway)) - commits,
    };
  }
};

type Units = Child<{ readonly ports: readonly number[] }>;

interface Look {
  /** Of the latest poll. */
  readonly latenessMs: number;
  readonly polls: number;
  readonly commits: number;
}

function toRows(held: Look, quick: Look): readonly Row[] {
  const note = `the aim. ${held.polls} polls of ${UNITS} Modbus TCP units × ${POINTS} values at ${INTERVAL_MS} ms, as the units see them, while each fdatasync and fsync of the gateway is held for ${HELD_MS / 1_000} s in its thread (${held.commits} commits meanwhile); with the disk as it is ${quick.latenessMs.toFixed(1)} ms (${quick.commits} commits)`;
  return [aimRow('slow disk, latest poll', 'ms', held.latenessMs, AIM_MS, note)];
}

/** The library that holds, or nothing where there is no compiler. */
async function compile(directory: string): Promise<string | undefined> {
  const library = join(directory, 'slow-sync.so');
  const source = join(import.meta.dirname, 'slow-disk/slow-sync.c');
  try {
    await promisify(execFile)('cc', ['-shared', '-fPIC', '-O2', '-o', library, source]);
    return library;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function arrivalsOf({ process: child }: Units): Promise<readonly (readonly number[])[]> {
  child.send('tell');
  const [arrivals] = (await once(child, 'message')) as [readonly (readonly number[])[]];
  return arrivals;
}

async function commitsOf(gateway: WholeGateway): Promise<number> {
  return (await gateway.status()).spool.counters.commits ?? 0;
}
