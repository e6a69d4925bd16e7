import type { GatewayStatus } from '../model/status.ts';
import type { Clock } from './clock.ts';
import { createDeviceLog } from './device-log.ts';
import type { Health } from './health.ts';
import type { Log } from './log.ts';

export interface HealthLineOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly status: () => GatewayStatus;
  readonly health: () => Health;
  /** The same in words, for `systemctl status`. */
  readonly tell: (text: string) => void;
  /** Ends the lines. */
  readonly signal: AbortSignal;
}

const TELL_EVERY_MS = 10_000;
const TELLS_PER_LINE = 6;

/** The one line that a gateway in steady state writes, every minute; counts are those of the last minute. Beside it, devices that fall silent. */
export function startHealthLine(options: HealthLineOptions): void {
  write(options).catch((error: unknown) => {
    if (!options.signal.aborted) options.log.error('health line ended', { error });
  });
}

async function write({ log, clock, status, health, tell, signal }: HealthLineOptions): Promise<void> {
  let before = countsOf(status());
  const tellDevices = createDeviceLog(log);
  for (let turn = 1; !signal.aborted; turn += 1) {
    await clock.sleep(TELL_EVERY_MS, signal);
    const now = status();
    tell(describe(now));
    tellDevices(now);
    if (turn % TELLS_PER_LINE !== 0) continue;
    const counts = countsOf(now);
    const { isHealthy, reasons } = health();
    log.info('health checked', {
      healthy: isHealthy,
      ...(isHealthy ? {} : { reasons }),
      readings: counts.readings - before.readings,
      messages: counts.messages - before.messages,
      acknowledged: counts.acknowledged - before.acknowledged,
      devices_down: downDevices(now).join(',') || 'none',
      spool: now.spool.state,
      ...(now.clock.state === 'known' ? {} : { clock: now.clock.state }),
      ...(isAuditOk(now) ? {} : { audit: now.audit?.state }),
      spool_messages: Math.max(0, ...now.hubs.map((hub) => hub.waitingMessages)),
      hubs: now.hubs.map((hub) => `${hub.name}:${hub.link.state}`).join(',') || 'none',
    });
    before = counts;
  }
}

interface Counts {
  readonly readings: number;
  readonly messages: number;
  readonly acknowledged: number;
}

function countsOf({ connections, hubs }: GatewayStatus): Counts {
  const devices = connections.flatMap((connection) => connection.devices);
  return {
    readings: devices.reduce((sum, device) => sum + device.readings, 0),
    messages: devices.reduce((sum, device) => sum + device.messages, 0),
    acknowledged: hubs.reduce((sum, hub) => sum + (hub.counters.acknowledged_messages ?? 0), 0),
  };
}

function downDevices({ connections }: GatewayStatus): readonly string[] {
  return connections.flatMap(({ devices }) => devices.filter(({ state }) => state === 'down').map(({ twin }) => twin));
}

/** e.g. `3 of 4 devices up (press-07 down); cloud waiting, 120 messages to send`. */
function describe(status: GatewayStatus): string {
  const devices = status.connections.flatMap((connection) => connection.devices);
  const down = downDevices(status);
  const up = devices.filter(({ state }) => state === 'up').length;
  const names = down.length === 0 ? '' : ` (${down.slice(0, 3).join(', ')}${down.length > 3 ? ', …' : ''} down)`;
  const hubs = status.hubs.map(({ name, link, waitingMessages }) => `${name} ${link.state}, ${waitingMessages} messages to send`);
  const { state, isDiskLow } = status.spool;
  const spool = [...(state === 'ok' ? [] : ['spool degraded']), ...(isDiskLow ? ['disk space low'] : [])];
  const audit = isAuditOk(status) ? [] : ['audit log degraded'];
  return [`${up} of ${devices.length} devices up${names}`, ...hubs, ...spool, ...audit].join('; ');
}

function isAuditOk({ audit }: GatewayStatus): boolean {
  return audit === undefined || audit.state === 'ok';
}
