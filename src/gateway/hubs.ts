import { join } from 'node:path';
import type { GatewayPlan, HubPlan } from '../model/plan.ts';
import type { Point } from '../model/point.ts';
import { startForwarding } from '../northbound/forwarder.ts';
import type { Hub } from '../northbound/hub.ts';
import { createMqttHub } from '../northbound/mqtt-hub.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Commands } from './commands.ts';
import type { GatewayContext, GatewayOptions } from './context.ts';
import { createDialect } from './plug-ins.ts';
import type { RunningHub } from './status.ts';
import { asSentNow } from './time.ts';

export interface CreatedHub {
  readonly plan: HubPlan;
  readonly hub: Hub;
}

/** Refuses what the dialect refuses; no socket is opened. */
export async function createHub(
  plan: HubPlan,
  gatewayPlan: GatewayPlan,
  { latest, resolved }: Pick<GatewayContext, 'latest' | 'resolved'>,
  { log, version, clock, stateDirectory }: GatewayOptions & { readonly clock: Clock },
): Promise<CreatedHub> {
  const known = { version, stateDirectory, latest: (point: Point) => latest.get(point), resolved: resolved.devices };
  const context = { ...known, clock, log: log.with({ hub: plan.name }) };
  const dialect = await createDialect(plan, gatewayPlan, context);
  return { plan, hub: createMqttHub(plan.name, dialect, clock, context.log) };
}

/** What waits in the spool goes to the hub, and commands come back. */
export function startHub(
  { plan, hub }: CreatedHub,
  { gateway }: GatewayPlan,
  { execute, onRefused }: Pick<Commands, 'execute' | 'onRefused'>,
  context: GatewayContext,
): RunningHub {
  const { log, clock, options, spool, audit } = context;
  const { onAcknowledged } = options;
  const forwarding = startForwarding({
    hub: audit.watchHub(hub),
    reader: spool.reader(plan.name),
    correct: (message) => asSentNow(context, message),
    ...(plan.drain === undefined ? {} : { drain: plan.drain }),
    quotaFile: join(options.stateDirectory, `quota-${encodeURIComponent(plan.name)}.json`),
    gateway: gateway.id,
    clock,
    log: log.with({ hub: plan.name }),
    execute,
    onRefused,
    ...(onAcknowledged === undefined ? {} : { onAcknowledged: (...told) => onAcknowledged(plan.name, ...told) }),
  });
  return { plan, forwarding };
}
