import { EMPTY } from 'rxjs';
import type { GatewayIdentity } from '../../src/model/plan.ts';
import type { Dialect } from '../../src/northbound/dialect.ts';
import { mqtt } from '../../src/northbound/dialects/mqtt/definition.ts';
import { systemClock as clock } from '../../src/runtime/clock.ts';
import { silentLog as log } from '../../src/runtime/log.ts';

export const WINDOW = 100;

/** How the bench broker is spoken to. */
export async function benchDialect(port: number, gateway: GatewayIdentity): Promise<Dialect> {
  const settings = mqtt.settings.parse({ url: `mqtt://127.0.0.1:${port}`, window: WINDOW, commands: false });
  const known = { gateway, version: '', devices: [], describe: () => [], resolved: EMPTY };
  const context = { ...known, latest: () => undefined, clock, log, stateDirectory: '' };
  const create = await mqtt.load();
  return create({ name: 'cloud', dialect: 'mqtt', settings }, context);
}
