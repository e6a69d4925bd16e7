import { asyncScheduler, Subject } from 'rxjs';
import { connectors } from '../connectors/index.ts';
import { auditFields } from './commands/audit.ts';
import { createCommandRouter } from './commands/command-router.ts';
import { refuse } from './commands/results.ts';
import { progressOf } from './gateway-progress.ts';
import { gatewayStatus } from './gateway-status.ts';
import type { Command, CommandResult } from './model/command.ts';
import type { Declarations } from './model/declaration.ts';
import { GatewayError, toGatewayError } from './model/error.ts';
import type { ConnectionPlan, DevicePlan, GatewayPlan, HubPlan } from './model/plan.ts';
import type { Batch, Reading } from './model/reading.ts';
import type { GatewayStatus } from './model/status.ts';
import type { Stored } from './model/twin-message.ts';
import { dialects } from './northbound/dialects/index.ts';
import { type Forwarding, startForwarding } from './northbound/forwarder.ts';
import { createMqttHub } from './northbound/mqtt-hub.ts';
import { LatestReadings } from './pipeline/latest-readings.ts';
import { operators } from './pipeline/operators/index.ts';
import { createPipeline, engineer, invert } from './pipeline/pipeline.ts';
import { type Clock, systemClock } from './runtime/clock.ts';
import { type Health, watchHealth } from './runtime/health.ts';
import type { Log } from './runtime/log.ts';
import { type OperationsServer, type OperationsServerOptions, startOperationsServer } from './runtime/operations-server.ts';
import { type Acquisition, acquire } from './southbound/acquisition.ts';
import type { Connector, ConnectorContext } from './southbound/connector.ts';
import { openSpool } from './spool/open-spool.ts';
import type { Spool } from './spool/spool.ts';

/** Everything a configuration file may name. */
export const declarations: Declarations = { protocols: connectors, operators, dialects };

export interface GatewayOptions {
  readonly log: Log;
  readonly version: string;
  /** Where connectors keep certificates and trust lists. */
  readonly stateDirectory: string;
  readonly clock?: Clock;
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
interface Context {
  readonly log: Log;
  readonly clock: Clock;
  readonly options: GatewayOptions;
  readonly spool: Spool;
  readonly latest: LatestReadings;
  /** Aborted when the field side stops; from then on no command is executed. */
  readonly stopping: AbortSignal;
}

export async function startGateway(plan: GatewayPlan, options: GatewayOptions): Promise<RunningGateway> {
  const { log, clock = systemClock } = options;
  const stop = new AbortController();
  const spool = await openSpool({
    ...plan.spool,
    hubs: plan.hubs.map(({ name }) => name),
    onEvent: ({ level, event, fields }) => log[level](event, fields),
  });
  const context: Context = { log, clock, options, spool, latest: new LatestReadings(), stopping: stop.signal };
  const devices = new Map(plan.devices.map((device) => [device.twin, startDevice(device, plan, context)]));
  const onBatch = ({ device, readings }: Batch) => devices.get(device)?.readings.next(readings);
  const connections = await Promise.all(
    plan.connections.map((connection) => startConnection(connection, plan, onBatch, context)),
  );
  const execute = createExecute(plan, connections, context);
  const hubs = plan.hubs.map((hub) => startHub(hub, plan, execute, context));
  const startedTimeMs = clock.nowMs();
  const status = () =>
    gatewayStatus({
      plan,
      version: options.version,
      startedTimeMs,
      nowMs: clock.nowMs(),
      connections,
      hubs,
      spool: spool.status(),
      latest: context.latest,
      messages: (twin) => devices.get(twin)?.messages() ?? 0,
    });
  const health = watchHealth({ clock, signal: stop.signal, parts: () => progressOf(status()) });
  const operations = await openOperations({ ...plan.operations, status, health, log });

  return {
    execute,
    health,
    status,
    stop: async (drainMs = 5_000) => {
      stop.abort();
      await operations?.close();
      await Promise.all(connections.map(({ acquisition }) => acquisition.done));
      await Promise.all([...devices.values()].map((device) => device.complete()));
      await Promise.all(hubs.map(({ forwarding }) => forwarding.stop(drainMs)));
      await spool.close();
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

interface RunningDevice {
  readonly readings: Subject<readonly Reading[]>;
  /** Messages made since start. */
  messages(): number;
  /** Resolves when the last message is on disk. */
  complete(): Promise<void>;
}

function startDevice(device: DevicePlan, { gateway }: GatewayPlan, { spool, latest, log }: Context): RunningDevice {
  const readings = new Subject<readonly Reading[]>();
  const appending = new Set<Promise<void>>();
  let messages = 0;
  const drafts = readings.pipe(
    createPipeline(device, operators, asyncScheduler, { gateway, onEngineering: (batch) => latest.keep(batch) }),
  );
  drafts.subscribe({
    next: (draft) => {
      messages += 1;
      const append = spool.append([draft]).catch((error: unknown) => log.error('append failed', { device: device.twin, error }));
      appending.add(append);
      void append.finally(() => appending.delete(append));
    },
    error: (error) => log.error('pipeline failed', { device: device.twin, error }),
  });
  return {
    readings,
    messages: () => messages,
    complete: async () => {
      readings.complete();
      await Promise.all(appending);
    },
  };
}

export interface RunningConnection {
  readonly plan: ConnectionPlan;
  readonly connector: Connector;
  readonly acquisition: Acquisition;
}

async function startConnection(
  connection: ConnectionPlan,
  plan: GatewayPlan,
  onBatch: (batch: Batch) => void,
  context: Context,
): Promise<RunningConnection> {
  const { clock, options, stopping } = context;
  const log = context.log.with({ connection: connection.name });
  const connector = await openConnector(connection, plan.gateway.id, { log, clock, stateDirectory: options.stateDirectory });
  return {
    plan: connection,
    connector,
    acquisition: acquire(connector, { plan: connection, clock, log, signal: stopping, onBatch }),
  };
}

/** The connector of a connection, loaded now and not before: a protocol that nobody uses costs nothing. */
export async function openConnector(
  connection: ConnectionPlan,
  gatewayId: string,
  context: Omit<ConnectorContext, 'gatewayId'>,
): Promise<Connector> {
  const definition = connectors.find(({ protocol }) => protocol === connection.protocol);
  if (definition === undefined) throw new GatewayError('BUG', connection.name, `no connector speaks ${connection.protocol}`);
  const create = await definition.load();
  return create(connection, { ...context, gatewayId });
}

export interface RunningHub {
  readonly plan: HubPlan;
  readonly forwarding: Forwarding;
}

type Execute = (command: Command, signal: AbortSignal) => Promise<CommandResult>;

function startHub(hub: HubPlan, plan: GatewayPlan, execute: Execute, { log, clock, options, spool }: Context): RunningHub {
  const definition = dialects.find(({ dialect }) => dialect === hub.dialect);
  if (definition === undefined) throw new GatewayError('BUG', hub.name, `no dialect is named ${hub.dialect}`);
  const twins = new Map(plan.devices.map(({ twin, labels }) => [twin, { ...plan.gateway.labels, ...labels }]));
  const { onAcknowledged } = options;
  const forwarding = startForwarding({
    hub: createMqttHub(hub.name, definition.create(hub, plan.gateway, twins), clock),
    reader: spool.reader(hub.name),
    gateway: plan.gateway.id,
    clock,
    log: log.with({ hub: hub.name }),
    execute,
    ...(onAcknowledged === undefined ? {} : { onAcknowledged: (...told) => onAcknowledged(hub.name, ...told) }),
  });
  return { plan: hub, forwarding };
}

function createExecute(plan: GatewayPlan, connections: readonly RunningConnection[], context: Context): Execute {
  const sessions = new Map(
    connections.flatMap(({ plan: { devices }, acquisition }) => devices.map(({ twin }) => [twin, acquisition])),
  );
  const router = createCommandRouter({
    devices: plan.devices,
    invert: (point, value) => invert(operators, point, value),
    engineering: (point, reading) => engineer(operators, point, reading),
    latest: (pointId) => context.latest.get(pointId),
    session: (device) => sessions.get(device)?.session,
    clock: context.clock,
    audit: (entry) => context.log.info('command answered', auditFields(entry)),
  });
  const stopped = new GatewayError('COMMAND_FAILED', plan.gateway.id, 'the gateway is stopping');
  return async (command, signal) => (context.stopping.aborted ? refuse(command, stopped) : router.execute(command, signal));
}
