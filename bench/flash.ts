import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from './harness/bench.ts';
import { startBenchBroker } from './harness/broker.ts';
import { DeliveredReadings } from './harness/delivered-readings.ts';
import type { Effort } from './harness/effort.ts';
import { Flash } from './harness/flash.ts';
import { modbusMapping, startModbusServer } from './harness/modbus-plant.ts';
import { aimRow, type Row } from './harness/row.ts';
import { WholeGateway } from './harness/whole-gateway.ts';

const READINGS_PER_S = 1_000;
const EMMC = { bytes: 8e9, cycles: 3_000, amplification: 2, years: 10 };
const SECONDS_PER_YEAR = 365.25 * 86_400;
/** What a reading may cost, so that the eMMC lives as long as wanted. */
const AIM_BYTES = (EMMC.bytes * EMMC.cycles) / EMMC.amplification / (EMMC.years * SECONDS_PER_YEAR * READINGS_PER_S);

interface Setup {
  readonly devices: number;
  readonly messageAge: string;
  readonly commitWindow: string;
}

const DEFAULTS = { messageAge: '5 s', commitWindow: '100 ms' };
const SETUPS: readonly Setup[] = [
  { devices: 10, ...DEFAULTS },
  { devices: 50, ...DEFAULTS },
  { devices: 50, ...DEFAULTS, messageAge: '1 s' },
  { devices: 50, messageAge: '1 s', commitWindow: '1 s' },
];
const QUICK_SETUPS: readonly Setup[] = [{ devices: 2, messageAge: '1 s', commitWindow: '100 ms' }];

/** What the whole gateway writes to flash at 1 000 readings/s, from the hub's acknowledgement back to the cursors. */
export const flash: Bench = async (effort) => {
  if (!Flash.isPossible) {
    process.stderr.write('flash: left out, needs a user who may mount file systems\n');
    return [];
  }
  const rows: Row[] = [];
  for (const setup of effort.isQuick ? QUICK_SETUPS : SETUPS) rows.push(await measure(setup, effort));
  return rows;
};

async function measure(setup: Setup, { isQuick }: Effort): Promise<Row> {
  const [warmUpMs, sampleMs] = isQuick ? [500, 2_500] : [10_000, 30_000];
  const directory = await mkdtemp(join(tmpdir(), 'bench-flash-'));
  const { devices, messageAge, commitWindow } = setup;
  const disk = await Flash.mount(directory);
  const broker = await startBenchBroker();
  const server = await startModbusServer();
  const delivered = await DeliveredReadings.of(broker.port);
  const points = READINGS_PER_S / devices;
  // Units of one connection are polled in turn, spread over the second: so are their messages, which makes the most commits.
  const units = Array.from({ length: devices }, (_, index) => ({ port: server.port, unit: index + 1 }));
  const mappings = { 'plant.yaml': modbusMapping({ devices: units, points, intervalMs: 1_000, messageAge }) };
  const spool = { directory: join(disk.directory, 'spool'), commitWindow };
  const gateway = await WholeGateway.start({ directory, brokerPort: broker.port, mappings, spool });
  try {
    await sleep(warmUpMs);
    const [countBefore, before] = [delivered.count, await disk.writtenBytes()];
    await sleep(sampleMs);
    const [readings, bytes] = [delivered.count - countBefore, (await disk.writtenBytes()) - before];
    return toRow(setup, bytes / readings, broker.name);
  } finally {
    await gateway.stop();
    await delivered.end();
    await server.stop();
    await broker.stop();
    await disk.unmount();
    await rm(directory, { recursive: true, force: true });
  }
}

function toRow({ devices, messageAge, commitWindow }: Setup, bytes: number, broker: string): Row {
  const { bytes: size, cycles, amplification, years } = EMMC;
  const note = `the aim: an eMMC of ${size / 1e9} GB and ${cycles} cycles lives ${years} years at ${READINGS_PER_S} readings/s, if it writes ${amplification} bytes for each it is given. Counted by the kernel at the device of an ext4 that holds spool and state, its journal included; ${devices} Modbus TCP devices × ${READINGS_PER_S / devices} random float32 at 1 s, acknowledged by ${broker}`;
  return aimRow(
    `flash, ${devices} devices, messages of ${messageAge}, commits of ${commitWindow}`,
    'bytes/reading',
    bytes,
    AIM_BYTES,
    note,
  );
}
