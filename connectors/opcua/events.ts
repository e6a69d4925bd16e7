import {
  AttributeIds,
  DataType,
  type EventNotificationList,
  MonitoringMode,
  makeNodeId,
  type NodeId,
  TimestampsToReturn,
} from 'node-opcua-client';
import type { DeviceEvent } from '../../src/model/device-event.ts';
import type { DevicePlan, EventPlan } from '../../src/model/plan.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Counters } from './counters.ts';
import { statusNameOf } from './errors.ts';
import { wantedFields } from './event-fields.ts';
import { eventFilter } from './event-filter.ts';
import { type EventItem, readEvent } from './event-item.ts';
import type { OpcuaEvent } from './features.ts';
import type { NodeAddress } from './node-address.ts';
import { resolveNodeId } from './nodes.ts';
import type { RawSession } from './raw-session.ts';
import type { ServerFacts } from './requests.ts';
import type { SeenEvents } from './seen-events.ts';
import { qualityOf, statusName } from './status-code.ts';
import type { Subscription } from './subscription.ts';

export interface EventContext {
  readonly session: RawSession;
  readonly facts: ServerFacts;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly seen: SeenEvents;
  readonly onEvent: (event: DeviceEvent) => void;
  /** Called when the server says that its nodes have changed; asked for where the mapping has patterns. */
  readonly onModelChange: () => void;
  /** The subscription that carries events: new, or taken over from the session before, with what it watches. */
  readonly subscribe: () => Promise<Subscription>;
}

/** Beside the handles of points, which count from 1. */
const FIRST_HANDLE = 0x8000_0000;
/** An alarm shower is longer than a queue of values. */
const QUEUE_SIZE = 1_000;
const RETRY_PROBLEMS_MS = 60_000;
/** Part 9 §5.5.7 and §5.11: the refresh, and what frames and asks for it. */
const CONDITION_TYPE = 2782;
const CONDITION_REFRESH = 3875;
const REFRESH_START = 2787;
const REFRESH_END = 2788;
const REFRESH_REQUIRED = 2789;

/** Part 3 §9.32: BaseModelChangeEventType. The name is none that a mapping could give. */
const MODEL_CHANGE: EventPlan<OpcuaEvent> = {
  name: '(model changes)',
  settings: { source: standardNode(2253), type: standardNode(2132), fields: [] },
};

function standardNode(value: number): NodeAddress {
  return { text: `i=${value}`, namespace: 0, identifier: { kind: 'numeric', value } };
}

/** Brings in the events that the mapping lists: asks the server to watch, then for the conditions that are present now. */
export class EventAcquisition {
  readonly #context: EventContext;
  readonly #plans: (readonly [device: string, plan: EventPlan<OpcuaEvent>])[];
  #subscription: Subscription | undefined;

  constructor(devices: readonly Pick<DevicePlan, 'twin' | 'events' | 'patterns'>[], context: EventContext) {
    this.#context = context;
    this.#plans = devices.flatMap(({ twin, events = [] }) =>
      events.map((plan) => [twin, plan as EventPlan<OpcuaEvent>] as const),
    );
    const follower = devices.find(({ patterns }) => patterns !== undefined);
    if (follower !== undefined) this.#plans.push([follower.twin, MODEL_CHANGE]);
  }

  /** Status names by `device/name` of all that the server does not watch. */
  get problems(): Readonly<Record<string, string>> {
    const items = [...(this.#subscription?.events.values() ?? [])];
    return Object.fromEntries(
      items.flatMap(({ device, name, problem }) => (problem === undefined ? [] : [[`${device}/${name}`, problem]])),
    );
  }

  async start(): Promise<void> {
    if (this.#plans.length === 0) return;
    const { clock, signal, subscribe } = this.#context;
    const subscription = await subscribe();
    this.#subscription = subscription;
    if (subscription.events.size === 0) await this.#watchAll(subscription);
    await this.#refresh();
    while (!signal.aborted) {
      await clock.sleep(RETRY_PROBLEMS_MS, signal).catch(() => {});
      if (!signal.aborted && Object.keys(this.problems).length > 0) await this.#watchAll(subscription).catch(() => {});
    }
  }

  /** Called with what the server has to tell, in its order. */
  take(subscription: Subscription, { events }: EventNotificationList): void {
    const { facts, clock, counters, seen, onEvent, onModelChange } = this.#context;
    for (const { clientHandle, eventFields } of events ?? []) {
      const item = subscription.events.get(clientHandle);
      if (item === undefined || eventFields === null) continue;
      const { eventId, typeId, event } = readEvent(item, eventFields ?? [], facts.namespaces, clock.nowMs());
      if (this.#isOfRefresh(typeId)) continue;
      if (item.name === MODEL_CHANGE.name) {
        onModelChange();
        continue;
      }
      if (item.isFilteredHere === true && (event.severity ?? 0) < (item.severityAtLeast ?? 0)) continue;
      if (!seen.isNew(`${item.device}/${item.name}`, eventId)) {
        counters.repeated_events += 1;
        continue;
      }
      counters.events += 1;
      onEvent(event);
    }
  }

  #isOfRefresh(typeId: NodeId | undefined): boolean {
    if (typeId === undefined || typeId.namespace !== 0) return false;
    if (typeId.value === REFRESH_REQUIRED) void this.#refresh();
    return typeId.value === REFRESH_START || typeId.value === REFRESH_END || typeId.value === REFRESH_REQUIRED;
  }

  async #watchAll(subscription: Subscription): Promise<void> {
    for (const [at, [device, plan]] of this.#plans.entries()) {
      const handle = FIRST_HANDLE + at;
      const known = subscription.events.get(handle);
      if (known === undefined || known.problem !== undefined) {
        subscription.events.set(handle, await this.#watch(subscription, device, plan, handle));
      }
    }
  }

  async #watch(
    subscription: Subscription,
    device: string,
    { name, settings }: EventPlan<OpcuaEvent>,
    handle: number,
  ): Promise<EventItem> {
    const { session, facts } = this.#context;
    const { severityAtLeast } = settings;
    const nodeId = resolveNodeId(settings.source, facts.namespaces);
    const typeId = settings.type && resolveNodeId(settings.type, facts.namespaces);
    const limit = severityAtLeast === undefined ? {} : { severityAtLeast };
    const isLost = nodeId === undefined || (settings.type !== undefined && typeId === undefined);
    const fields = isLost ? [] : await wantedFields(session, typeId, settings.fields);
    const item: EventItem = { device, name, handle, fields, ...limit };
    if (isLost) return { ...item, problem: 'BadNodeIdUnknown' };
    const wish = { fields, ...limit, ...(typeId === undefined ? {} : { typeId }) };
    const refused = await this.#create(subscription.id, nodeId, handle, wish);
    if (refused === undefined || !refused.includes('Filter')) return refused === undefined ? item : { ...item, problem: refused };
    // Of a type only the server knows the subtypes; a severity can be compared here.
    const { severityAtLeast: _, ...simpler } = wish;
    const refusedAgain = await this.#create(subscription.id, nodeId, handle, simpler);
    return refusedAgain === undefined ? { ...item, isFilteredHere: true } : { ...item, problem: refusedAgain };
  }

  /** `undefined` when the server watches it, else the name of its refusal. */
  async #create(subscriptionId: number, nodeId: NodeId, clientHandle: number, wish: Parameters<typeof eventFilter>[0]) {
    const { results } = await this.#context.session.createMonitoredItems({
      subscriptionId,
      timestampsToReturn: TimestampsToReturn.Both,
      itemsToCreate: [
        {
          itemToMonitor: { nodeId, attributeId: AttributeIds.EventNotifier },
          monitoringMode: MonitoringMode.Reporting,
          requestedParameters: {
            clientHandle,
            samplingInterval: 0,
            queueSize: QUEUE_SIZE,
            discardOldest: true,
            filter: eventFilter(wish),
          },
        },
      ],
    });
    const status = results?.[0]?.statusCode;
    if (status === undefined) return 'BadUnexpectedError';
    return qualityOf(status.value) === 'bad' ? statusName(status.value) : undefined;
  }

  /** Alarms that are present tell themselves once more; those that were told already are left out. Servers without alarms refuse. */
  async #refresh(): Promise<void> {
    const { session } = this.#context;
    const id = this.#subscription?.id;
    if (id === undefined) return;
    const call = {
      objectId: makeNodeId(CONDITION_TYPE),
      methodId: makeNodeId(CONDITION_REFRESH),
      inputArguments: [{ dataType: DataType.UInt32, value: id }],
    };
    await session.call(call).catch((error) => {
      if (statusNameOf(error) === undefined) throw error;
    });
  }
}
