import { DataType, NodeId, type Variant } from 'node-opcua-client';
import type { DeviceEvent } from '../../../src/model/device-event.ts';
import { type JsonValue, mapScalars } from '../../../src/model/value.ts';
import { nodeText } from '../mapping/node-text.ts';
import { toRaw } from '../values/raw-value.ts';
import { plausibleTime } from '../values/reading.ts';
import { rawToValue } from '../values/value.ts';
import type { EventField } from './event-filter.ts';

/** One entry of `events` as the server watches it. */
export interface EventItem {
  readonly device: string;
  /** Name in the mapping. */
  readonly name: string;
  readonly handle: number;
  readonly fields: readonly EventField[];
  readonly severityAtLeast?: number;
  /** The server cannot filter: what is not severe enough is left out here. */
  isFilteredHere?: boolean;
  /** Why the server does not watch it. */
  problem?: string;
}

export interface ReadEvent {
  /** Empty where the server gives none. */
  readonly eventId: string;
  readonly typeId: NodeId | undefined;
  readonly event: DeviceEvent;
}

/**
 * EventQueueOverflowEventType (Part 4 §5.12.1.5): events before it were lost in the queue of the item. It is abstract, so that open62541
 * has a subtype of its own, and sends it as the one field of an event.
 */
const OVERFLOWS: ReadonlySet<unknown> = new Set([3035, 4035]);

/** Whether it is no event, but says that events were lost. */
export function isOverflow({ typeId }: ReadEvent, values: readonly Variant[]): boolean {
  const [only] = values.length === 1 ? values : [];
  const type = only?.value instanceof NodeId ? only.value : typeId;
  return type !== undefined && type.namespace === 0 && OVERFLOWS.has(type.value);
}

/** What is told by other means, or by its name. */
const NOT_IN_BODY: ReadonlySet<string> = new Set(['Time', 'Severity']);

/** Fields that an event does not have are left out. */
export function readEvent(item: EventItem, values: readonly Variant[], namespaces: readonly string[], nowMs: number): ReadEvent {
  const byName = new Map(item.fields.map(({ name }, at) => [name, values[at]]));
  const held = (name: string): unknown => byName.get(name)?.value;
  const typeId = held('EventType');
  const severity = held('Severity');
  const body = [...byName].flatMap(([name, variant]) => {
    const value = variant === undefined || NOT_IN_BODY.has(name) ? null : toJson(variant, namespaces);
    return value === null ? [] : [[name, value] as const];
  });
  const time = held('Time');
  return {
    eventId: String(toEventId(held('EventId'))),
    typeId: typeId instanceof NodeId ? typeId : undefined,
    event: {
      device: item.device,
      name: item.name,
      sourceTimeMs: plausibleTime(time instanceof Date ? [time] : [], nowMs),
      ...(typeof severity === 'number' ? { severity } : {}),
      body: Object.fromEntries(body),
    },
  };
}

function toEventId(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString('base64') : '';
}

/** Node ids with the URI of their namespace: what goes to the cloud may come back in a command. */
function toJson(variant: Variant, namespaces: readonly string[]): JsonValue {
  if (variant.dataType === DataType.NodeId && variant.value instanceof NodeId) {
    return variant.value.isEmpty() ? null : nodeText(variant.value, namespaces);
  }
  return mapScalars<JsonValue>(rawToValue(toRaw(variant)) ?? null, (scalar) => {
    if (typeof scalar === 'bigint') return String(scalar);
    return typeof scalar === 'number' && !Number.isFinite(scalar) ? null : scalar;
  });
}
