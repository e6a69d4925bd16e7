import type { ConnectionPlan, GatewayPlan, HubPlan } from '../model/plan.ts';
import { mapClasses } from '../model/spool-class.ts';
import type { ConnectionStatus, DeviceStatus, GatewayStatus, HubStatus, SpoolClassStatus } from '../model/status.ts';
import type { Forwarding } from '../northbound/forwarder.ts';
import type { LatestReadings } from '../pipeline/latest-readings.ts';
import { toErrorStatus, toLinkStatus } from '../runtime/link-status.ts';
import type { Acquisition } from '../southbound/acquisition.ts';
import type { Connector } from '../southbound/connector.ts';
import type { ClassStatus, SpoolStatus } from '../spool/spool.ts';
import type { RunningDevice } from './device.ts';

export interface RunningConnection {
  readonly plan: ConnectionPlan;
  readonly connector: Connector;
  readonly acquisition: Acquisition;
}

export interface RunningHub {
  readonly plan: HubPlan;
  readonly forwarding: Forwarding;
}

export interface StatusSources {
  readonly plan: GatewayPlan;
  readonly version: string;
  readonly startedTimeMs: number;
  readonly nowMs: number;
  readonly clock: GatewayStatus['clock'];
  readonly connections: readonly RunningConnection[];
  readonly hubs: readonly RunningHub[];
  readonly settings: NonNullable<GatewayStatus['settings']>;
  readonly spool: SpoolStatus;
  readonly audit: GatewayStatus['audit'];
  readonly latest: LatestReadings;
  readonly device: (twin: string) => RunningDevice | undefined;
}

/** One look at everything that runs: the source of `/status`, `/metrics` and the live view. */
export function gatewayStatus(sources: StatusSources): GatewayStatus {
  const { plan, version, startedTimeMs, nowMs, connections, hubs, spool, audit, settings } = sources;
  const { state, isDiskLow, diskRoomBytes, bytes, segments, counters, error } = spool;
  return {
    gateway: plan.gateway.id,
    version,
    startedTimeMs,
    nowMs,
    clock: sources.clock,
    connections: connections.map((connection) => connectionStatus(connection, sources)),
    hubs: hubs.map((hub) => hubStatus(hub, spool)),
    ...(audit === undefined ? {} : { audit }),
    ...(Object.keys(settings).length === 0 ? {} : { settings: { ...settings } }),
    spool: {
      state,
      isDiskLow,
      ...(diskRoomBytes === undefined ? {} : { diskRoomBytes }),
      bytes,
      maxBytes: plan.spool.maxBytes,
      segments,
      commitWindowMs: plan.spool.commitWindowMs,
      counters,
      ...(error === undefined ? {} : { error }),
      classes: mapClasses((name) => classStatus(spool.classes[name])),
    },
  };
}

function classStatus({ state, bytes, maxBytes, segments, hubs, counters }: ClassStatus): SpoolClassStatus {
  const waitingMessages = Object.fromEntries(Object.entries(hubs).map(([hub, waiting]) => [hub, waiting.waitingMessages]));
  return { state, bytes, maxBytes, segments, waitingMessages, counters };
}

function connectionStatus({ plan, connector, acquisition }: RunningConnection, sources: StatusSources): ConnectionStatus {
  const { counters, devices, expiries, details } = connector.status();
  const isUp = acquisition.link.state === 'up';
  return {
    name: plan.name,
    protocol: plan.protocol,
    endpoint: plan.endpoint,
    link: toLinkStatus(acquisition.link),
    counters,
    ...(expiries === undefined ? {} : { expiries }),
    ...(details === undefined ? {} : { details }),
    devices: plan.devices.map((device): DeviceStatus => {
      const { state, error } = devices[device.twin] ?? { state: 'waiting' as const };
      const running = sources.device(device.twin);
      return {
        twin: device.twin,
        state: isUp ? state : 'down',
        ...(error === undefined ? {} : { error: toErrorStatus(error) }),
        readings: sources.latest.count(device.twin),
        messages: running?.messages() ?? 0,
        failures: running?.failures() ?? 0,
        ...unmeasuredBy(running),
        points: sources.latest.points(device),
      };
    }),
  };
}

function unmeasuredBy(running: RunningDevice | undefined): Pick<DeviceStatus, 'unmeasured'> {
  const unmeasured = Object.entries(running?.unmeasured() ?? {});
  return unmeasured.length === 0 ? {} : { unmeasured: Object.fromEntries(unmeasured) };
}

function hubStatus({ plan, forwarding }: RunningHub, spool: SpoolStatus): HubStatus {
  const { waitingMessages, oldestTimeMs } = spool.hubs[plan.name] ?? { waitingMessages: 0 };
  return {
    name: plan.name,
    dialect: plan.dialect,
    waitingMessages,
    ...(oldestTimeMs === undefined ? {} : { oldestTimeMs }),
    ...forwarding.status(),
  };
}
