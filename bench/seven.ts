import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench } from './harness/bench.ts';
import { GATEWAY_NODE_OPTIONS, startChild } from './harness/child.ts';
import type { Effort } from './harness/effort.ts';
import { buildPackage } from './harness/package.ts';
import type { Row } from './harness/row.ts';
import type { Taken } from './seven/gateway.ts';
import { type Half, type Load, valuesPerSecond } from './seven/half.ts';
import { modbus } from './seven/modbus.ts';
import { opcua } from './seven/opcua.ts';

/** The halves. To add one: its file, its line here. */
const HALVES: readonly Half[] = [modbus, opcua];

/** Compiled beside the package as it is installed; from source in a smoke run. */
const GATEWAY = 'bench/seven/gateway.ts';

const load = (channels: number, pointsPerDevice: number, intervalMs: number): Load => ({
  channels,
  devicesPerChannel: 10,
  pointsPerDevice,
  intervalMs,
});
const FULL_LOAD = load(10, 1_000, 1_000);
const SCENARIOS: readonly { readonly load: Load; readonly writes: number }[] = [
  { load: load(1, 1_000, 1_000), writes: 0 },
  { load: load(5, 1_000, 1_000), writes: 0 },
  { load: FULL_LOAD, writes: 0 },
  { load: load(1, 100, 100), writes: 0 },
  { load: load(5, 100, 100), writes: 0 },
  { load: load(10, 100, 100), writes: 0 },
  { load: FULL_LOAD, writes: 100 },
];
const QUICK_SCENARIOS: typeof SCENARIOS = [{ load: load(1, 20, 100), writes: 5 }];

/**
 * The seven scenarios that NeuronEX and NG Gateway publish: 1, 5 and 10 channels of 10 devices with 1 000 float32 each at 1 s, the
 * same with 1 000 a channel at 100 ms, and 100 writes under full load.
 */
export const seven: Bench = async (effort) => {
  const home = await mkdtemp(join(tmpdir(), 'bench-package-'));
  try {
    const program = effort.isQuick ? fileURLToPath(new URL(`../${GATEWAY}`, import.meta.url)) : await build(home);
    const rows: Row[] = [];
    for (const half of HALVES) {
      for (const [index, scenario] of (effort.isQuick ? QUICK_SCENARIOS : SCENARIOS).entries()) {
        const taken = await run(half, scenario.load, scenario.writes, { ...effort, program });
        rows.push(...toRows(half, `seven ${index + 1}, ${half.name}`, scenario, taken));
      }
    }
    return rows;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
};

async function build(home: string): Promise<string> {
  await buildPackage(home, [GATEWAY]);
  return join(home, 'dist', GATEWAY.replace('.ts', '.js'));
}

interface Running extends Effort {
  /** What stands for the gateway. */
  readonly program: string;
}

async function run(half: Half, asked: Load, writes: number, { isQuick, program }: Running): Promise<Taken> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-seven-'));
  const plant = await half.start(asked);
  try {
    await writeFile(join(directory, 'gateway.yaml'), gatewayYaml(directory, Object.keys(plant.mappings)));
    for (const [name, text] of Object.entries(plant.mappings)) await writeFile(join(directory, name), text);
    const [warmUpMs, sampleMs] = isQuick ? [1_500, 1_500] : [3_000, 6_000];
    const args = [directory, ...[warmUpMs, sampleMs, writes].map(String)];
    const child = await startChild<Taken>(import.meta.url, program, args, GATEWAY_NODE_OPTIONS);
    await child.stop();
    return child.ready;
  } finally {
    await plant.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

function gatewayYaml(directory: string, mappings: readonly string[]): string {
  return `gateway: { id: bench }
hubs: { cloud: { dialect: mqtt, url: "mqtt://127.0.0.1:1883" } }
spool: { directory: ${join(directory, 'spool')} }
mappings: [ ${mappings.join(', ')} ]
`;
}

function toRows(half: Half, name: string, { load: asked, writes }: (typeof SCENARIOS)[number], taken: Taken): readonly Row[] {
  const { channels, devicesPerChannel, pointsPerDevice, intervalMs } = asked;
  const what = `${channels} × ${devicesPerChannel} devices × ${pointsPerDevice} values at ${intervalMs} ms`;
  const row = (unit: string, ours: number, limit: number, note: string): Row => ({
    name: `${name}, ${unit}`,
    unit,
    ours,
    limit,
    ratio: ours / limit,
    spread: 0,
    runs: 1,
    note,
  });
  const aim = `the aim for 100 000 values/s. ${half.peers}`;
  return [
    row('values/s', taken.valuesPerSecond, valuesPerSecond(asked), `what was asked: ${what}; ${taken.badValues} were bad`),
    row('cores', taken.cores, half.aim.cores, `${aim}. ${what}`),
    row('MB', taken.residentBytes / 1e6, half.aim.megabytes, `${aim}. Resident, as it is, without a collection before`),
    ...(writes === 0 ? [] : [50, 99].map((percent) => writeRow(percent))),
  ];

  function writeRow(percent: number): Row {
    const sorted = taken.writesMs.toSorted((a, b) => a - b);
    const found = sorted[Math.min(sorted.length - 1, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
    return {
      ...row('ms', found, half.aim.writeMs, `${sorted.length} writes under the load; the aim for p99`),
      name: `${name}, write p${percent}`,
    };
  }
}
