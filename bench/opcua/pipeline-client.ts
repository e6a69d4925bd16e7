import { asyncScheduler, Subject } from 'rxjs';
import { createConnector } from '../../connectors/opcua/connector.ts';
import { connectionSchema, deviceSchema, pointSchema } from '../../connectors/opcua/mapping/settings.ts';
import type { ConnectionPlan, DevicePlan } from '../../src/model/plan.ts';
import type { Reading } from '../../src/model/reading.ts';
import { countReadings } from '../../src/model/twin-message.ts';
import { operators } from '../../src/pipeline/operators/index.ts';
import { createPipeline } from '../../src/pipeline/pipeline.ts';
import { systemClock as clock } from '../../src/runtime/clock.ts';
import { silentLog as log } from '../../src/runtime/log.ts';
import { deviceOf } from '../../test/support/device.ts';
import { LOAD_NAMESPACE } from '../../test/support/opcua-load-server.ts';
import type { Counting } from './bare-client.ts';

export interface PlanOptions {
  readonly url: string;
  readonly items: number;
  readonly intervalMs: number;
  readonly queueSize?: number;
}

/** The gateway's connector and pipeline: tells how many values have reached the end. Resolves with what ends it. */
export async function countAtPipelineEnd(
  plan: ConnectionPlan,
  stateDirectory: string,
  counting: Counting,
): Promise<() => Promise<void>> {
  const readings = new Subject<readonly Reading[]>();
  const [device] = plan.devices;
  if (device === undefined) throw new Error('the plan has no device');
  const drafts = readings.pipe(createPipeline(device, operators, asyncScheduler));
  const subscription = drafts.subscribe(({ message }) => counting.add(countReadings(message)));
  const connector = createConnector(plan, { log, clock, gatewayId: 'bench', stateDirectory });
  const session = await connector.open(new AbortController().signal);
  counting.onOpen?.();
  session.batches.subscribe((batch) => readings.next(batch.readings));
  return async () => {
    await session.close();
    subscription.unsubscribe();
  };
}

export function planOf({ url, items, intervalMs, queueSize }: PlanOptions): ConnectionPlan {
  const settings = connectionSchema.parse({ url, security: { policy: 'none' }, publishingInterval: `${intervalMs} ms` });
  return { name: 'plant', protocol: 'opcua', endpoint: url, settings, devices: [devicePlan(items, intervalMs, queueSize)] };
}

/** Messages are small enough that every batch closes one: what is counted is counted at once. */
function devicePlan(items: number, intervalMs: number, queueSize: number | undefined): DevicePlan {
  const names = Array.from({ length: items }, (_, index) => `v${index}`);
  const points = Object.fromEntries(names.map((name) => [name, { scale: 0.1, intervalMs }]));
  const device = deviceOf({ twin: 'filler', points, message: { maxBytes: 16_000, maxAgeMs: 50 } });
  return {
    ...device,
    settings: deviceSchema.parse({}),
    points: device.points.map(({ point, keys }) => {
      const address = pointSchema.parse({ address: `nsu=${LOAD_NAMESPACE};s=${point.name}`, queueSize });
      return { point: { ...point, address }, keys };
    }),
  };
}
