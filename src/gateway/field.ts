import { asyncScheduler, Subject } from 'rxjs';
import type { DeviceEvent } from '../model/device-event.ts';
import type { DeviceGap } from '../model/device-gap.ts';
import type { ConnectionPlan, DevicePlan, GatewayPlan } from '../model/plan.ts';
import type { Batch, Reading } from '../model/reading.ts';
import { createHistoryPipeline } from '../pipeline/history.ts';
import { operators } from '../pipeline/operators/index.ts';
import { createPipeline } from '../pipeline/pipeline.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { type AcquisitionOptions, acquire } from '../southbound/acquisition.ts';
import type { Connector, ConnectorSession } from '../southbound/connector.ts';
import type { GatewayContext, GatewayOptions } from './context.ts';
import { type RunningDevice, startDevice } from './device.ts';
import { followPatterns } from './patterns.ts';
import { hasDeviceTimes, openConnector } from './plug-ins.ts';
import { ReplaceableConnection, ReplaceableDevice } from './replaceable.ts';

export interface CreatedConnection {
  readonly plan: ConnectionPlan;
  readonly connector: Connector;
  readonly log: Log;
}

/** Refuses what the connector refuses; no socket is opened. */
export async function createConnection(
  plan: ConnectionPlan,
  { gateway }: GatewayPlan,
  options: GatewayOptions & { readonly clock: Clock },
): Promise<CreatedConnection> {
  const { clock, stateDirectory } = options;
  const log = options.log.with({ connection: plan.name });
  return { plan, log, connector: await openConnector(plan, gateway.id, { log, clock, stateDirectory }) };
}

export interface FieldWatch {
  /** Called with each batch before it is handed on. */
  see(batch: Batch): void;
  /** What the patterns of a device stand for from now on. */
  resolved(device: DevicePlan): void;
}

/** The devices, each with its way into the spool, and the connections that feed them. */
export class Field {
  readonly devices: ReadonlyMap<string, ReplaceableDevice>;
  readonly #plan: GatewayPlan;
  readonly #context: GatewayContext;
  /** By the twins of its devices. */
  readonly #connectionOf = new Map<string, ReplaceableConnection>();
  #connections: readonly ReplaceableConnection[] = [];

  constructor(plan: GatewayPlan, context: GatewayContext) {
    this.#plan = plan;
    this.#context = context;
    const start = (device: DevicePlan) => followPatterns(device, (part) => startPipeline(part, plan, context));
    this.devices = new Map(plan.devices.map((device) => [device.twin, new ReplaceableDevice(device, start)]));
  }

  get connections(): readonly ReplaceableConnection[] {
    return this.#connections;
  }

  /** From here on there are sockets, until the field side stops. */
  open(created: readonly CreatedConnection[], watch: FieldWatch): void {
    this.#connections = created.map((connection) => this.#connect(connection, watch));
    for (const connection of this.#connections)
      for (const { twin } of connection.plan.devices) this.#connectionOf.set(twin, connection);
  }

  session(twin: string): ConnectorSession | undefined {
    return this.#connectionOf.get(twin)?.acquisition.session;
  }

  tell(event: DeviceEvent): void {
    const device = this.devices.get(event.device);
    if (device === undefined) this.#context.log.error('event of unknown device dropped', { device: event.device });
    else device.tell(event);
  }

  declare(twin: string, gap: Omit<DeviceGap, 'device'>): void {
    this.devices.get(twin)?.declare(gap);
  }

  /** A device gets another plan; resolves when its connection follows it. */
  async replace(device: DevicePlan, isPaceChanged: boolean): Promise<void> {
    this.#context.latest.resolve(device);
    this.devices.get(device.twin)?.replace(device);
    await this.#connectionOf.get(device.twin)?.replaceDevice(device, isPaceChanged);
  }

  /** Resolves when no connection tells anything more. */
  async closed(): Promise<void> {
    await Promise.all(this.#connections.map(({ acquisition }) => acquisition.done));
  }

  /** Resolves when what is under way in the pipelines is on disk. */
  async complete(): Promise<void> {
    await Promise.all([...this.devices.values()].map((device) => device.complete()));
  }

  #connect({ plan, connector, log }: CreatedConnection, watch: FieldWatch): ReplaceableConnection {
    const { clock, options, audit, stopping } = this.#context;
    const { stateDirectory } = options;
    const told = { ...this.#told(watch), onState: audit.watchConnection(plan) };
    return new ReplaceableConnection(plan, {
      connector,
      create: (of) => openConnector(of, this.#plan.gateway.id, { log, clock, stateDirectory }),
      acquire: (using, of, over) => acquire(using, { plan: of, clock, log, signal: AbortSignal.any([stopping, over]), ...told }),
    });
  }

  #told(watch: FieldWatch): Pick<AcquisitionOptions, 'onBatch' | 'onEvent' | 'onGap' | 'onResolved'> {
    const { log, latest, resolved } = this.#context;
    return {
      onBatch: (batch) => {
        watch.see(batch);
        const device = this.devices.get(batch.device);
        if (device === undefined) log.error('batch of unknown device dropped', { device: batch.device });
        else device.take(batch);
      },
      onEvent: (event) => this.tell(event),
      onGap: (gap) => this.declare(gap.device, gap),
      onResolved: (device) => {
        latest.resolve(device);
        this.devices.get(device.twin)?.resolve(device);
        watch.resolved(device);
        resolved.resolve(device);
      },
    };
  }
}

function startPipeline(
  device: DevicePlan,
  { gateway, connections }: GatewayPlan,
  { spool, latest, log, clock }: GatewayContext,
): RunningDevice {
  const onEngineering = (readings: readonly Reading[]) => latest.keep(readings);
  const flush = new Subject<void>();
  const isStampedHere = !hasDeviceTimes(connections.find(({ name }) => name === device.connection));
  const pipeline = createPipeline(device, operators, asyncScheduler, { gateway, onEngineering, flush });
  const historyPipeline = createHistoryPipeline(device, operators, asyncScheduler, { gateway });
  return startDevice({
    ...{ device, gateway, pipeline, historyPipeline, spool, scheduler: asyncScheduler, log },
    flush: () => flush.next(),
    doubt: () => (isStampedHere ? clock.doubt : clock.doubt && {}),
  });
}
