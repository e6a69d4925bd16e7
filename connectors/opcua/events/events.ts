import { DataType, type EventNotificationList, makeNodeId, type NodeId } from 'node-opcua-client';
import type { DeviceEvent } from '../../../src/model/device-event.ts';
import type { DeviceGap, MissedPoint } from '../../../src/model/device-gap.ts';
import type { DevicePlan, EventPlan } from '../../../src/model/plan.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { OpcuaEvent } from '../mapping/features.ts';
import type { NodeAddress } from '../mapping/node-address.ts';
import type { Counters } from '../protocol/counters.ts';
import { statusNameOf } from '../protocol/errors.ts';
import type { RawSession } from '../protocol/raw-session.ts';
import type { ServerFacts } from '../protocol/requests.ts';
import { type EventItem, isOverflow, readEvent } from '../watching/event-item.ts';
import type { Memory } from '../watching/memory.ts';
import type { Subscription } from '../watching/subscription.ts';
import { EventGaps, toMissed } from './event-gaps.ts';
import { watchEvent } from './watch-event.ts';

export interface EventContext {
  readonly session: RawSession;
  readonly facts: ServerFacts;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly memory: Pick<Memory, 'seenEvents' | 'missing'>;
  readonly onEvent: (event: DeviceEvent) => void;
  /** Called with what happened and was not told. */
  readonly onGap: (gap: DeviceGap) => void;
  /** Called when the server says that its nodes have changed; asked for where the mapping has patterns. */
  readonly onModelChange: () => void;
  /** The subscription that carries events: new, or taken over from the session before, with what it watches. */
  readonly subscribe: () => Promise<Subscription>;
}

/** Above the handles of points. */
const FIRST_HANDLE = 0x8000_0000;
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
  readonly #gaps: EventGaps;
  #subscription: Subscription | undefined;

  constructor(devices: readonly Pick<DevicePlan, 'twin' | 'events' | 'patterns'>[], context: EventContext) {
    this.#context = context;
    this.#gaps = new EventGaps({ ...context, missing: context.memory.missing });
    this.#plans = devices.flatMap(({ twin, events = [] }) =>
      events.map((plan) => [twin, plan as EventPlan<OpcuaEvent>] as const),
    );
    const follower = devices.find(({ patterns }) => patterns !== undefined);
    if (follower !== undefined) this.#plans.push([follower.twin, MODEL_CHANGE]);
  }

  /** Status names by `device/name` of all that the server does not watch. */
  get problems(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      this.#items.flatMap((item) => (item.problem === undefined ? [] : [[toMissed(item).id, item.problem]])),
    );
  }

  /** What the server does not watch. */
  get refused(): readonly MissedPoint[] {
    return ofMapping(this.#items.filter(({ problem }) => problem !== undefined)).map(toMissed);
  }

  /** Since when events are missing, where they are and that was not told; by the clock on the wall. */
  get awaySince(): readonly number[] {
    return this.#plans.length === 0 ? [] : this.#gaps.awaySince;
  }

  get #items(): readonly EventItem[] {
    return [...(this.#subscription?.events.values() ?? [])];
  }

  async start(): Promise<void> {
    if (this.#plans.length === 0) return;
    const { clock, signal, subscribe } = this.#context;
    const subscription = await subscribe();
    this.#subscription = subscription;
    const isAdopted = subscription.events.size > 0;
    if (!isAdopted) await this.#watchAll(subscription);
    this.#gaps.watch(ofMapping(this.#items), { isAdopted });
    await this.#refresh();
    while (!signal.aborted) {
      await clock.sleep(RETRY_PROBLEMS_MS, signal).catch(() => {});
      if (!signal.aborted && Object.keys(this.problems).length > 0) await this.#tryAgain(subscription).catch(() => {});
    }
  }

  /** Called with what the server has to tell, in its order. */
  take(subscription: Subscription, { events }: EventNotificationList): void {
    const { facts, clock, counters, memory, onEvent, onModelChange } = this.#context;
    for (const { clientHandle, eventFields } of events ?? []) {
      const item = subscription.events.get(clientHandle);
      if (item === undefined || eventFields === null) continue;
      const read = readEvent(item, eventFields ?? [], facts.namespaces, clock.nowMs());
      const { eventId, typeId, event } = read;
      if (isOverflow(read, eventFields ?? [])) {
        counters.overflows += 1;
        this.#lose([item], 'queue-overflow', subscription.completeTimeMs);
        continue;
      }
      if (this.#isOfRefresh(typeId)) continue;
      if (item.name === MODEL_CHANGE.name) {
        onModelChange();
        continue;
      }
      if (item.isFilteredHere === true && (event.severity ?? 0) < (item.severityAtLeast ?? 0)) continue;
      if (!memory.seenEvents.isNew(`${item.device}/${item.name}`, eventId)) {
        counters.repeated_events += 1;
        continue;
      }
      counters.events += 1;
      onEvent(event);
    }
  }

  /** Called when messages of the subscription are missing for good. */
  lose(subscription: Subscription, sinceTimeMs: number): void {
    this.#lose([...subscription.events.values()], 'subscription-gap', sinceTimeMs);
    // What was lost may have been the word of an alarm that is still present. A queue that overflowed would do so again.
    this.#refreshSoon();
  }

  #lose(items: readonly EventItem[], reason: DeviceGap['reason'], sinceTimeMs: number): void {
    const lost = ofMapping(items);
    this.#gaps.tell(lost, reason, sinceTimeMs);
    if (lost.length < items.length) this.#context.onModelChange();
  }

  #isOfRefresh(typeId: NodeId | undefined): boolean {
    if (typeId === undefined || typeId.namespace !== 0) return false;
    if (typeId.value === REFRESH_REQUIRED) this.#refreshSoon();
    return typeId.value === REFRESH_START || typeId.value === REFRESH_END || typeId.value === REFRESH_REQUIRED;
  }

  async #tryAgain(subscription: Subscription): Promise<void> {
    const refused = this.#items.filter(({ problem }) => problem !== undefined);
    await this.#watchAll(subscription);
    const cured = refused.filter(({ handle }) => subscription.events.get(handle)?.problem === undefined);
    this.#gaps.tell(ofMapping(cured), 'refused', this.#context.clock.nowMs());
  }

  async #watchAll(subscription: Subscription): Promise<void> {
    for (const [at, [device, plan]] of this.#plans.entries()) {
      const handle = FIRST_HANDLE + at;
      const known = subscription.events.get(handle);
      if (known === undefined || known.problem !== undefined) {
        subscription.events.set(
          handle,
          await watchEvent({ ...this.#context, subscriptionId: subscription.id }, device, plan, handle),
        );
      }
    }
  }

  /** Where nobody answers, the session ends, and the next one refreshes. */
  #refreshSoon(): void {
    this.#refresh().catch(() => {});
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

function ofMapping(items: readonly EventItem[]): readonly EventItem[] {
  return items.filter(({ name }) => name !== MODEL_CHANGE.name);
}
