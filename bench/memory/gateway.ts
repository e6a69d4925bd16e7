import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asyncScheduler, Subject } from 'rxjs';
import { loadConfiguration } from '../../src/config/load.ts';
import { declarations, openConnector } from '../../src/gateway/plug-ins.ts';
import type { DevicePlan } from '../../src/model/plan.ts';
import type { Reading } from '../../src/model/reading.ts';
import { LatestReadings } from '../../src/pipeline/latest-readings.ts';
import { operators } from '../../src/pipeline/operators/index.ts';
import { createPipeline } from '../../src/pipeline/pipeline.ts';
import { systemClock as clock } from '../../src/runtime/clock.ts';
import { compactHeap } from '../../src/runtime/compact-heap.ts';
import { silentLog as log } from '../../src/runtime/log.ts';
import { tellReady } from '../harness/child.ts';
import { residentBytes } from './resident-bytes.ts';

/**
 * The gateway up to the spool with so many Modbus points, in devices of 100: configuration read from YAML, connectors loaded, a
 * pipeline each, the readings of one poll through all of them. Tells its resident memory.
 */
const POINTS_PER_DEVICE = 100;
const devices = Number(process.argv[2]) / POINTS_PER_DEVICE;

const directory = mkdtempSync(join(tmpdir(), 'bench-memory-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
writeFileSync(join(directory, 'gateway.yaml'), gatewayYaml());
writeFileSync(join(directory, 'press.yaml'), mappingYaml());

const { plan, problems } = await loadConfiguration(directory, declarations);
if (plan === undefined) throw new Error(problems.map(({ message }) => message).join('\n'));
compactHeap();
const connectors = [];
for (const connection of plan.connections) {
  connectors.push(await openConnector(connection, plan.gateway.id, { log, clock, stateDirectory: directory }));
}
const latest = new LatestReadings(plan.devices);
let messages = 0;
const running = plan.devices.map((device) => {
  const readings = new Subject<readonly Reading[]>();
  const pipeline = createPipeline(device, operators, asyncScheduler, { onEngineering: (batch) => latest.keep(batch) });
  readings.pipe(pipeline).subscribe(() => {
    messages += 1;
  });
  return { device, readings };
});
for (const { device, readings } of running) readings.next(poll(device));

tellReady({ bytes: await residentBytes(), devices: running.length, connectors: connectors.length, messages });

function poll({ points }: DevicePlan): readonly Reading[] {
  return points.map(({ point }, index) => ({ point, value: index, quality: 'good', sourceTimeMs: Date.now() }));
}

function gatewayYaml(): string {
  return `gateway: { id: bench }
hubs: { cloud: { dialect: mqtt, url: "mqtt://127.0.0.1:1883" } }
spool: { directory: ${join(directory, 'spool')} }
mappings: [ press.yaml ]
`;
}

function mappingYaml(): string {
  const instances = Array.from({ length: devices }, (_, device) => {
    const host = `10.${Math.floor(device / 65_536)}.${Math.floor(device / 256) % 256}.${device % 256}`;
    return `  - { twin: press-${device}, connection: { host: ${host} } }\n`;
  });
  const points = Array.from(
    { length: POINTS_PER_DEVICE },
    (_, point) => `  point${point}: { address: { holding: ${point} }, type: int16, scale: 0.1, send: { deadband: 1 } }\n`,
  );
  return `connection: { protocol: modbus-tcp }\ninstances:\n${instances.join('')}points:\n${points.join('')}`;
}
