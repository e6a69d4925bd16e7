import { createConnector } from '../../connectors/modbus/connector.ts';
import type { ModbusPlan } from '../../connectors/modbus/mapping/plan.ts';
import { systemClock as clock } from '../../src/runtime/clock.ts';
import { silentLog as log } from '../../src/runtime/log.ts';
import { never } from './open-line.ts';

/** A line polled as in the gateway; counts the polls of each twin that were answered. */
export interface PolledLine {
  readonly good: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

export async function pollLine(plan: ModbusPlan): Promise<PolledLine> {
  const connector = createConnector(plan, { log, clock, gatewayId: 'bench', stateDirectory: '' });
  const session = await connector.open(never);
  const good = new Map<string, number>(plan.devices.map(({ twin }) => [twin, 0]));
  session.batches.subscribe(({ device, readings }) => {
    if (readings[0]?.quality === 'good') good.set(device, (good.get(device) ?? 0) + 1);
  });
  return { good, close: () => session.close() };
}

/** Good polls of each of the twins during a time. */
export async function countPolls(lines: readonly PolledLine[], forMs: number): Promise<readonly ReadonlyMap<string, number>[]> {
  const before = lines.map(({ good }) => new Map(good));
  await clock.sleep(forMs);
  return lines.map(
    ({ good }, index) => new Map([...good].map(([twin, polls]) => [twin, polls - (before[index]?.get(twin) ?? 0)])),
  );
}
