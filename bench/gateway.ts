import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LAUNCHER } from '../test/support/run-cli.ts';
import type { Bench } from './harness/bench.ts';
import { startBenchBroker } from './harness/broker.ts';
import { DeliveredReadings } from './harness/delivered-readings.ts';
import type { Effort } from './harness/effort.ts';
import { buildPackage } from './harness/package.ts';
import { aimRow, type Row } from './harness/row.ts';
import { WholeGateway } from './harness/whole-gateway.ts';
import { type Load, valuesPerSecond } from './seven/half.ts';
import { modbus } from './seven/modbus.ts';

const AIM = { cores: 0.25, megabytes: 150 };
const LOADS: readonly Load[] = [
  { channels: 1, devicesPerChannel: 10, pointsPerDevice: 100, intervalMs: 100 },
  { channels: 1, devicesPerChannel: 10, pointsPerDevice: 1_000, intervalMs: 1_000 },
];
const QUICK_LOADS: readonly Load[] = [{ channels: 1, devicesPerChannel: 2, pointsPerDevice: 100, intervalMs: 100 }];

/** What the whole gateway takes at 10 000 readings/s, from Modbus registers to a broker, spool on disk and all. */
export const gateway: Bench = async (effort) => {
  const home = await mkdtemp(join(tmpdir(), 'bench-package-'));
  try {
    const launcher = effort.isQuick ? LAUNCHER : await buildPackage(home);
    const rows: Row[] = [];
    for (const load of effort.isQuick ? QUICK_LOADS : LOADS) rows.push(...toRows(load, await measure(load, launcher, effort)));
    return rows;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
};

interface Taken {
  readonly perSecond: number;
  readonly cores: number;
  readonly megabytes: number;
  readonly broker: string;
}

async function measure(load: Load, launcher: string, { isQuick }: Effort): Promise<Taken> {
  const [warmUpMs, sampleMs] = isQuick ? [1_000, 1_200] : [8_000, 20_000];
  const directory = await mkdtemp(join(tmpdir(), 'bench-gateway-'));
  const broker = await startBenchBroker();
  const plant = await modbus.start(load);
  const delivered = await DeliveredReadings.of(broker.port);
  const running = await WholeGateway.start({ directory, launcher, brokerPort: broker.port, mappings: plant.mappings });
  try {
    await sleep(warmUpMs);
    const [countBefore, before, startMs] = [delivered.count, await running.usage(), performance.now()];
    await sleep(sampleMs);
    const after = await running.usage();
    const seconds = (performance.now() - startMs) / 1_000;
    return {
      perSecond: (delivered.count - countBefore) / seconds,
      cores: (after.cpuSeconds - before.cpuSeconds) / seconds,
      megabytes: after.residentBytes / 1e6,
      broker: broker.name,
    };
  } finally {
    await running.stop();
    await delivered.end();
    await plant.stop();
    await broker.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

function toRows(load: Load, { perSecond, cores, megabytes, broker }: Taken): readonly Row[] {
  const { devicesPerChannel, pointsPerDevice, intervalMs } = load;
  const what = `${devicesPerChannel} Modbus TCP devices × ${pointsPerDevice} float32 at ${intervalMs} ms, committed to disk, QoS 1 to ${broker}`;
  const name = `gateway, ${devicesPerChannel} × ${pointsPerDevice} at ${intervalMs} ms`;
  return [
    aimRow(name, 'readings/s', perSecond, valuesPerSecond(load), `what was asked: ${what}; counted behind the broker`),
    aimRow(name, 'cores', cores, AIM.cores, `the aim. ${what}; all threads of \`fieldmarshal run\` as it is installed`),
    aimRow(name, 'MB', megabytes, AIM.megabytes, `the aim. ${what}; resident, as it is, without a collection before`),
  ];
}
