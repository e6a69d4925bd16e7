import { join } from 'node:path';
import { asyncScheduler, Subject } from 'rxjs';
import { connectors } from '../connectors/index.ts';
import type { SettingChanges } from './commands/settings.ts';
import { createGatewayAudit, type GatewayAudit } from './gateway-audit.ts';
import { type Commands, createCommands, openReplayMemory } from './gateway-commands.ts';
import { type RunningDevice, startDevice } from './gateway-device.ts';
import { GatewayOff, lastSign } from './gateway-off.ts';
import { followPatterns, ResolvedDevices } from './gateway-patterns.ts';
import { createDialect, dueEveryMs, openConnector } from './gateway-plug-ins.ts';
import { progressOf } from './gateway-progress.ts';
import { ReplaceableConnection, ReplaceableDevice } from './gateway-replaceable.ts';
import { gatewayStatus, type RunningHub } from './gateway-status.ts';
import { asSentNow, type GatewayTime, openTime, watchTime } from './gateway-time.ts';
import type { Command, CommandResult } from './model/command.ts';
import type { DeviceEvent } from './model/device-event.ts';
import type { DeviceGap } from './model/device-gap.ts';
import { toGatewayError } from './model/error.ts';
import type { ConnectionPlan, DevicePlan, GatewayPlan, HubPlan, LogLevel } from './model/plan.ts';
import type { Point } from './model/point.ts';
import type { Batch, Reading } from './model/reading.ts';
import type { GatewayStatus } from './model/status.ts';
import type { Stored } from './model/twin-message.ts';
import type { JsonValue } from './model/value.ts';
import { startForwarding } from './northbound/forwarder.ts';
import type { Hub } from './northbound/hub.ts';
import { createMqttHub } from './northbound/mqtt-hub.ts';
import { createHistoryPipeline } from './pipeline/history.ts';
import { LatestReadings, toJsonValue } from './pipeline/latest-readings.ts';
import { operators } from './pipeline/operators/index.ts';
import { createPipeline } from './pipeline/pipeline.ts';
import { atMost } from './runtime/at-most.ts';
import type { Clock } from './runtime/clock.ts';
import { type Health, watchHealth } from './runtime/health.ts';
import type { Log } from './runtime/log.ts';
import { type OperationsServer, type OperationsServerOptions, startOperationsServer } from './runtime/operations-server.ts';
import type { SignOfLife } from './runtime/sign-of-life.ts';
import type { TimeSource } from './runtime/time-source.ts';
import { type AcquisitionOptions, acquire } from './southbound/acquisition.ts';
import type { Connector } from './southbound/connector.ts';
import { openSpool } from './spool/open-spool.ts';
import type { Spool } from './spool/spool.ts';

export interface GatewayOptions {
  readonly log: Log;
  readonly version: string;
  /** Where connectors keep certificates and trust lists. */
  readonly stateDirectory: string;
  /** Lets a command change how much is logged, where the configuration does; absent: it cannot be changed. */
  readonly setLogLevel?: (level: LogLevel) => void;
  /** Default: the clock of the machine. */
  readonly time?: TimeSource;
  /** Called after each acknowledgement of a hub, for measurements. */
  readonly onAcknowledged?: (hub: string, stored: Stored, bytes: number, atMs: number) => void;
}

export interface RunningGateway {
  status(): GatewayStatus;
  /** Whether the gateway itself works; an absent device or hub is not its illness. */
  health(): Health;
  execute(command: Command, signal: AbortSignal): Promise<CommandResult>;
  /** Commands off, sessions closed, pipelines completed, spool synced, hubs drained for `drainMs` at most, everything released. */
  stop(drainMs?: number): Promise<void>;
}

/** What the parts share while the gateway runs. */
interface Context extends GatewayTime {
  readonly log: Log;
  readonly options: GatewayOptions;
  readonly spool: Spool;
  readonly latest: LatestReadings;
  readonly resolved: ResolvedDevices;
  readonly audit: GatewayAudit;
  /** Of the run before this one. */
  readonly lastSeen: SignOfLife | undefined;
  /** Aborted when the field side stops; from then on no command is executed. */
  readonly stopping: AbortSignal;
}

/** Everything that can be refused comes before the first socket opens; whatever throws leaves nothing behind. */
export async function startGateway(plan: GatewayPlan, options: GatewayOptions): Promise<RunningGateway> {
  const { log } = options;
  const time = await openTime(plan, options.stateDirectory, options.time);
  const { clock } = time;
  const connectors = await Promise.all(
    plan.connections.map((connection) => createConnector(connection, plan, { ...options, clock })),
  );
  const latest = new LatestReadings(plan.devices);
  const resolved = new ResolvedDevices();
  const hubs = await Promise.all(plan.hubs.map((hub) => createHub(hub, plan, { latest, resolved }, { ...options, clock })));
  const lastSeen = await lastSign(plan, options.stateDirectory);
  const spool = await openSpool({
    ...plan.spool,
    keys: plan.spool.keys.map((key) => key.revealBytes()),
    hubs: plan.hubs.map(({ name }) => name),
    nowMs: () => clock.nowMs(),
    onEvent: ({ level, event, fields }) => log[level](event, fields),
  });
  const audit = await createGatewayAudit(plan, { ...options, clock });
  const stop = new AbortController();
  try {
    const context: Context = { log, ...time, options, spool, latest, resolved, audit, lastSeen, stopping: stop.signal };
    return await run(plan, connectors, hubs, context, stop);
  } catch (error) {
    stop.abort(error);
    await audit.close(0);
    await spool.close();
    throw error;
  }
}

async function run(
  plan: GatewayPlan,
  created: readonly CreatedConnection[],
  createdHubs: readonly CreatedHub[],
  context: Context,
  stop: AbortController,
): Promise<RunningGateway> {
  const { log, clock, options, spool, audit } = context;
  const replay = await openReplayMemory(options.stateDirectory, clock.nowMs(), log);
  const devices = new Map(
    plan.devices.map((device) => [
      device.twin,
      new ReplaceableDevice(device, (of) => followPatterns(of, (one) => startPipeline(one, plan, context))),
    ]),
  );
  const declare = (twin: string, gap: Omit<DeviceGap, 'device'>) => devices.get(twin)?.declare(gap);
  const isKept = () => spool.status().state === 'ok';
  const off = new GatewayOff(context.lastSeen, {
    ...{ plan, stateDirectory: options.stateDirectory, clock, log, declare, isKept },
    dueEveryMs: (point, { connection }) =>
      dueEveryMs(
        point,
        plan.connections.find(({ name }) => name === connection),
      ),
  });
  await off.begin(stop.signal);
  const onBatch = (batch: Batch) => {
    off.see(batch);
    const running = devices.get(batch.device);
    if (running === undefined) log.error('batch of unknown device dropped', { device: batch.device });
    else running.take(batch);
  };
  const onEvent = (event: DeviceEvent) => {
    const running = devices.get(event.device);
    if (running === undefined) log.error('event of unknown device dropped', { device: event.device });
    else running.tell(event);
  };
  const onGap = (gap: DeviceGap) => declare(gap.device, gap);
  const onResolved = (device: DevicePlan) => {
    context.latest.resolve(device);
    devices.get(device.twin)?.resolve(device);
    commands.resolve(device);
    context.resolved.resolve(device);
  };
  const connections = created.map((connection) =>
    startConnection(connection, { onBatch, onEvent, onGap, onResolved }, plan.gateway.id, context),
  );
  const settings: Record<string, JsonValue> = {};
  const applySettings = async (before: DevicePlan, { device, isPaceChanged = false, logLevel, values = {} }: SettingChanges) => {
    for (const [name, value] of Object.entries(values)) settings[name] = toJsonValue(value);
    if (logLevel !== undefined) options.setLogLevel?.(logLevel);
    if (device === undefined) return;
    context.latest.resolve(device);
    devices.get(device.twin)?.replace(device);
    commands.resolve(device);
    await connections.find(({ plan: { name } }) => name === before.connection)?.replaceDevice(device, isPaceChanged);
  };
  const commands = createCommands(plan, connections, { ...context, replay, onEvent, applySettings });
  const { execute } = commands;
  const hubs = createdHubs.map((hub) => startHub(hub, plan, commands, context));
  commands.watchHubs((name) =>
    hubs.some(({ plan: hub, forwarding }) => hub.name === name && forwarding.status().link.state === 'up'),
  );
  watchTime(clock, { plan, devices, spool, log }, stop.signal);
  const startedTimeMs = clock.nowMs();
  const status = () =>
    gatewayStatus({
      plan,
      version: options.version,
      startedTimeMs,
      nowMs: clock.nowMs(),
      clock: { state: clock.isKnown ? 'known' : 'doubted', steps: clock.steps },
      connections,
      hubs,
      settings,
      spool: spool.status(),
      audit: audit.status(),
      latest: context.latest,
      device: (twin) => devices.get(twin),
    });
  const watched = watchHealth({ clock, signal: stop.signal, parts: () => progressOf(status()) });
  const health = (): Health => {
    const { state, error } = audit.status();
    return state === 'ok' ? watched() : { ...watched(), remarks: [`the audit log is not written: ${error}`] };
  };
  const operations = await openOperations({ ...plan.operations, status, health, log, onRefused: audit.requestRefused });
  const stopAll = async (drainMs: number): Promise<void> => {
    const stoppedTimeMs = clock.nowMs();
    stop.abort();
    const remembered = commands.close();
    await operations?.close();
    await Promise.all(connections.map(({ acquisition }) => acquisition.done));
    off.tellAll();
    await atMost(drainMs, Promise.all([...devices.values()].map((device) => device.complete())), clock);
    await Promise.all(hubs.map(({ forwarding }) => forwarding.stop(drainMs)));
    await atMost(drainMs, remembered, clock);
    await audit.close(drainMs);
    await spool.close();
    await off.stopped(stoppedTimeMs);
  };
  let stopped: Promise<void> | undefined;
  return {
    execute,
    health,
    status,
    stop: (drainMs = 5_000) => {
      stopped ??= stopAll(drainMs);
      return stopped;
    },
  };
}

/** Data matters more than looking at it: without its port the gateway goes on. */
async function openOperations(options: OperationsServerOptions): Promise<OperationsServer | undefined> {
  try {
    return await startOperationsServer(options);
  } catch (error) {
    const { code, message, rule } = toGatewayError(error, 'operations');
    options.log.warn('operations unavailable', { code, reason: message, action: rule.action });
    return undefined;
  }
}

function startPipeline(
  device: DevicePlan,
  { gateway, connections: plans }: GatewayPlan,
  { spool, latest, log, clock }: Context,
): RunningDevice {
  const onEngineering = (readings: readonly Reading[]) => latest.keep(readings);
  const flush = new Subject<void>();
  const protocol = plans.find(({ name }) => name === device.connection)?.protocol;
  const isStampedHere = connectors.find((each) => each.protocol === protocol)?.hasDeviceTimes !== true;
  const pipeline = createPipeline(device, operators, asyncScheduler, { gateway, onEngineering, flush });
  const historyPipeline = createHistoryPipeline(device, operators, asyncScheduler, { gateway });
  return startDevice({
    ...{ device, gateway, pipeline, historyPipeline, spool, scheduler: asyncScheduler, log },
    flush: () => flush.next(),
    doubt: () => (isStampedHere ? clock.doubt : clock.doubt && {}),
  });
}

interface CreatedConnection {
  readonly plan: ConnectionPlan;
  readonly connector: Connector;
  readonly log: Log;
}

async function createConnector(
  plan: ConnectionPlan,
  { gateway }: GatewayPlan,
  options: GatewayOptions & { readonly clock: Clock },
): Promise<CreatedConnection> {
  const { clock, stateDirectory } = options;
  const log = options.log.with({ connection: plan.name });
  return { plan, log, connector: await openConnector(plan, gateway.id, { log, clock, stateDirectory }) };
}

function startConnection(
  { plan, connector, log }: CreatedConnection,
  told: Pick<AcquisitionOptions, 'onBatch' | 'onEvent' | 'onGap' | 'onResolved'>,
  gatewayId: string,
  { clock, options, audit, stopping }: Context,
): ReplaceableConnection {
  const { stateDirectory } = options;
  const onState = audit.watchConnection(plan);
  return new ReplaceableConnection(plan, {
    connector,
    create: (of) => openConnector(of, gatewayId, { log, clock, stateDirectory }),
    acquire: (using, of, over) =>
      acquire(using, { plan: of, clock, log, signal: AbortSignal.any([stopping, over]), onState, ...told }),
  });
}

interface CreatedHub {
  readonly plan: HubPlan;
  readonly hub: Hub;
}

async function createHub(
  plan: HubPlan,
  gatewayPlan: GatewayPlan,
  { latest, resolved }: Pick<Context, 'latest' | 'resolved'>,
  { log, version, clock, stateDirectory }: GatewayOptions & { readonly clock: Clock },
): Promise<CreatedHub> {
  const known = { version, stateDirectory, latest: (point: Point) => latest.get(point), resolved: resolved.devices };
  const context = { ...known, clock, log: log.with({ hub: plan.name }) };
  const dialect = await createDialect(plan, gatewayPlan, context);
  return { plan, hub: createMqttHub(plan.name, dialect, clock, context.log) };
}

function startHub(
  { plan, hub }: CreatedHub,
  { gateway }: GatewayPlan,
  { execute, onRefused }: Pick<Commands, 'execute' | 'onRefused'>,
  context: Context,
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
