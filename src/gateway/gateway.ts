import type { SettingChanges } from '../commands/settings.ts';
import type { Command, CommandResult } from '../model/command.ts';
import { toGatewayError } from '../model/error.ts';
import type { DevicePlan, GatewayPlan } from '../model/plan.ts';
import type { GatewayStatus } from '../model/status.ts';
import type { JsonValue } from '../model/value.ts';
import { LatestReadings, toJsonValue } from '../pipeline/latest-readings.ts';
import { atMost } from '../runtime/at-most.ts';
import { type Health, watchHealth } from '../runtime/health.ts';
import { type OperationsServer, type OperationsServerOptions, startOperationsServer } from '../runtime/operations-server.ts';
import type { SignOfLife } from '../runtime/sign-of-life.ts';
import { openSpool } from '../spool/open-spool.ts';
import { createGatewayAudit } from './audit.ts';
import { type Commands, createCommands, openReplayMemory } from './commands.ts';
import type { GatewayContext, GatewayOptions } from './context.ts';
import { type CreatedConnection, createConnection, Field } from './field.ts';
import { type CreatedHub, createHub, startHub } from './hubs.ts';
import { GatewayOff, isAllKept, lastSign, withLastCommit } from './off.ts';
import { ResolvedDevices } from './patterns.ts';
import { dueEveryMs } from './plug-ins.ts';
import { progressOf } from './progress.ts';
import { gatewayStatus, type RunningHub } from './status.ts';
import { openTime, watchTime } from './time.ts';

export interface RunningGateway {
  status(): GatewayStatus;
  /** Whether the gateway itself works; an absent device or hub is not its illness. */
  health(): Health;
  execute(command: Command, signal: AbortSignal): Promise<CommandResult>;
  /** Commands off, sessions closed, pipelines completed, spool synced, hubs drained for `drainMs` at most, everything released. */
  stop(drainMs?: number): Promise<void>;
}

interface Created {
  readonly connections: readonly CreatedConnection[];
  readonly hubs: readonly CreatedHub[];
  /** Of the run before this one. */
  readonly lastSeen: SignOfLife | undefined;
}

/** Everything that can be refused comes before the first socket opens; whatever throws leaves nothing behind. */
export async function startGateway(plan: GatewayPlan, options: GatewayOptions): Promise<RunningGateway> {
  const { log, stateDirectory } = options;
  const time = await openTime(plan, stateDirectory, options.time);
  const { clock } = time;
  const timed = { ...options, clock };
  const connections = await Promise.all(plan.connections.map((connection) => createConnection(connection, plan, timed)));
  const known = { latest: new LatestReadings(plan.devices), resolved: new ResolvedDevices() };
  const hubs = await Promise.all(plan.hubs.map((hub) => createHub(hub, plan, known, timed)));
  const sign = await lastSign(plan, stateDirectory);
  const spool = await openSpool({
    ...plan.spool,
    keys: plan.spool.keys.map((key) => key.revealBytes()),
    hubs: plan.hubs.map(({ name }) => name),
    nowMs: () => clock.nowMs(),
    onEvent: ({ level, event, fields }) => log[level](event, fields),
  });
  const audit = await createGatewayAudit(plan, timed);
  const stop = new AbortController();
  try {
    const lastSeen = withLastCommit(sign, spool.lastCommitMs);
    const context: GatewayContext = { log, ...time, ...known, options, spool, audit, stopping: stop.signal };
    return await run(plan, { connections, hubs, lastSeen }, context, stop);
  } catch (error) {
    stop.abort(error);
    await audit.close(0);
    await spool.close();
    throw error;
  }
}

async function run(plan: GatewayPlan, created: Created, context: GatewayContext, stop: AbortController): Promise<RunningGateway> {
  const { log, clock, options, spool, audit } = context;
  const replay = await openReplayMemory(options.stateDirectory, clock.nowMs(), log);
  const field = new Field(plan, context);
  const off = createOff(plan, created.lastSeen, field, context);
  await off.begin(stop.signal);
  const settings: Record<string, JsonValue> = {};
  const applySettings = async ({ device, isPaceChanged = false, logLevel, values = {} }: SettingChanges) => {
    for (const [name, value] of Object.entries(values)) settings[name] = toJsonValue(value);
    if (logLevel !== undefined) options.setLogLevel?.(logLevel);
    if (device === undefined) return;
    commands.resolve(device);
    await field.replace(device, isPaceChanged);
  };
  const commands = createCommands(plan, {
    ...{ ...context, replay, applySettings },
    session: (twin) => field.session(twin),
    onEvent: (event) => field.tell(event),
  });
  const onResolved = (device: DevicePlan) => {
    commands.resolve(device);
    off.resolved(device);
  };
  field.open(created.connections, { see: (batch) => off.see(batch), resolved: onResolved });
  const hubs = created.hubs.map((hub) => startHub(hub, plan, commands, context));
  commands.watchHubs((name) =>
    hubs.some(({ plan: hub, forwarding }) => hub.name === name && forwarding.status().link.state === 'up'),
  );
  watchTime(clock, { plan, field, spool, log }, stop.signal);
  const startedTimeMs = clock.nowMs();
  const status = () => statusNow({ plan, startedTimeMs, field, hubs, settings }, context);
  const watched = watchHealth({ clock, signal: stop.signal, parts: () => progressOf(status()) });
  const health = (): Health => {
    const { state, error } = audit.status();
    return state === 'ok' ? watched() : { ...watched(), remarks: [`the audit log is not written: ${error}`] };
  };
  const operations = await openOperations({ ...plan.operations, status, health, log, onRefused: audit.requestRefused });
  const stopAll = (drainMs: number) => {
    stop.abort();
    return shutDown({ field, off, commands, hubs, operations }, context, drainMs);
  };
  let stopped: Promise<void> | undefined;
  return {
    execute: commands.execute,
    health,
    status,
    stop: (drainMs = 5_000) => {
      stopped ??= stopAll(drainMs);
      return stopped;
    },
  };
}

function createOff(
  plan: GatewayPlan,
  lastSeen: SignOfLife | undefined,
  field: Field,
  { clock, log, options, spool }: GatewayContext,
): GatewayOff {
  const connections = new Map(plan.connections.map((connection) => [connection.name, connection]));
  return new GatewayOff(lastSeen, {
    ...{ plan, stateDirectory: options.stateDirectory, clock, log },
    declare: (twin, gap) => field.declare(twin, gap),
    isKept: () => isAllKept(spool.status()),
    dueEveryMs: (point, { connection }) => dueEveryMs(point, connections.get(connection)),
  });
}

interface StatusParts {
  readonly plan: GatewayPlan;
  readonly startedTimeMs: number;
  readonly field: Field;
  readonly hubs: readonly RunningHub[];
  readonly settings: Readonly<Record<string, JsonValue>>;
}

function statusNow({ field, ...parts }: StatusParts, { clock, options, spool, audit, latest }: GatewayContext): GatewayStatus {
  return gatewayStatus({
    ...parts,
    version: options.version,
    nowMs: clock.nowMs(),
    clock: { state: clock.isKnown ? 'known' : 'doubted', steps: clock.steps },
    connections: field.connections,
    spool: spool.status(),
    audit: audit.status(),
    latest,
    device: (twin) => field.devices.get(twin),
  });
}

interface Running {
  readonly field: Field;
  readonly off: GatewayOff;
  readonly commands: Commands;
  readonly hubs: readonly RunningHub[];
  readonly operations: OperationsServer | undefined;
}

/** In this order nothing that was measured is left in memory. */
async function shutDown(
  { field, off, commands, hubs, operations }: Running,
  { clock, spool, audit }: GatewayContext,
  drainMs: number,
): Promise<void> {
  const stoppedTimeMs = clock.nowMs();
  const remembered = commands.close();
  await operations?.close();
  await field.closed();
  off.tellAll();
  await atMost(drainMs, field.complete(), clock);
  await Promise.all(hubs.map(({ forwarding }) => forwarding.stop(drainMs)));
  await atMost(drainMs, remembered, clock);
  await audit.close(drainMs);
  await spool.close();
  await off.stopped(stoppedTimeMs);
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
