import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asyncScheduler, Subject } from 'rxjs';
import { createConnector } from '../connectors/opcua/connector.ts';
import { connectionSchema, deviceSchema, pointSchema } from '../connectors/opcua/settings.ts';
import type { ConnectionPlan, DevicePlan } from '../src/model/plan.ts';
import type { Reading } from '../src/model/reading.ts';
import { countReadings } from '../src/model/twin-message.ts';
import { operators } from '../src/pipeline/operators/index.ts';
import { createPipeline } from '../src/pipeline/pipeline.ts';
import { systemClock as clock } from '../src/runtime/clock.ts';
import { silentLog as log } from '../src/runtime/log.ts';
import { deviceOf } from '../test/support/device.ts';
import type { Bench } from './harness/bench.ts';
import { startChild } from './harness/child.ts';
import { compare } from './harness/compare.ts';
import type { Sample } from './harness/sample.ts';
import { countBare } from './opcua/bare-client.ts';
import { ChangeCounter } from './opcua/change-counter.ts';

const INTERVAL_MS = 100;
const BARE = 'node-opcua-client with its bare services, which only counts';

/** OPC UA: value changes at the end of the pipeline. Each sample has its own session; only one side is subscribed at a time. */
export const opcua: Bench = async (effort) => {
  const items = effort.isQuick ? 100 : 2_000;
  const server = await startChild<{ url: string; namespaceIndex: number }>(import.meta.url, './opcua/server.ts', [String(items)]);
  const stateDirectory = await mkdtemp(join(tmpdir(), 'bench-opcua-'));
  const { url, namespaceIndex } = server.ready;
  const asked = (items * 1_000) / INTERVAL_MS;
  const count = async (open: (counter: ChangeCounter) => Promise<() => Promise<void>>): Promise<Sample> => {
    const counter = new ChangeCounter();
    const end = await open(counter);
    try {
      // What was gathered while the items were made comes first.
      await counter.sample(3 * INTERVAL_MS);
      return await counter.sample(effort.sampleMs);
    } finally {
      await end();
    }
  };
  try {
    return await compare(
      {
        rows: {
          perSecond: {
            name: 'opcua',
            unit: 'changes/s',
            note: `${BARE}. Both are bound by the server: ${asked} changes/s are asked for, and a node-opcua server is saturated near 19 000/s`,
          },
          cpuMicros: {
            name: 'opcua, CPU',
            unit: 'µs/change',
            note: `${BARE}. This is what tells how many changes/s one core could take`,
          },
        },
        ours: () => count((counter) => countAtPipelineEnd(planOf(url, items), stateDirectory, counter)),
        limit: () => count((counter) => countBare({ url, namespaceIndex, items, intervalMs: INTERVAL_MS }, counter)),
      },
      effort,
    );
  } finally {
    await server.stop();
    await rm(stateDirectory, { recursive: true, force: true });
  }
};

async function countAtPipelineEnd(
  plan: ConnectionPlan,
  stateDirectory: string,
  counter: ChangeCounter,
): Promise<() => Promise<void>> {
  const readings = new Subject<readonly Reading[]>();
  const [device] = plan.devices;
  if (device === undefined) throw new Error('the plan has no device');
  const drafts = readings.pipe(createPipeline(device, operators, asyncScheduler));
  const subscription = drafts.subscribe(({ message }) => counter.add(countReadings(message)));
  const connector = createConnector(plan, { log, clock, gatewayId: 'bench', stateDirectory });
  const session = await connector.open(new AbortController().signal);
  session.batches.subscribe((batch) => readings.next(batch.readings));
  return async () => {
    await session.close();
    subscription.unsubscribe();
  };
}

function planOf(url: string, items: number): ConnectionPlan {
  const settings = connectionSchema.parse({ url, security: { policy: 'none' }, publishingInterval: `${INTERVAL_MS} ms` });
  return { name: 'plant', protocol: 'opcua', endpoint: url, settings, devices: [devicePlan(items)] };
}

/** Messages are small enough that every batch closes one: what is counted is counted at once. */
function devicePlan(items: number): DevicePlan {
  const names = Array.from({ length: items }, (_, index) => `v${index}`);
  const points = Object.fromEntries(names.map((name) => [name, { scale: 0.1, intervalMs: INTERVAL_MS }]));
  const device = deviceOf({ twin: 'filler', points, message: { maxBytes: 2_000 + 10 * items, maxAgeMs: 1_000 } });
  return {
    ...device,
    settings: deviceSchema.parse({}),
    points: device.points.map(({ point, keys }) => {
      const address = pointSchema.parse({ address: `nsu=urn:bench;s=${point.name}` });
      return { point: { ...point, address }, keys };
    }),
  };
}
