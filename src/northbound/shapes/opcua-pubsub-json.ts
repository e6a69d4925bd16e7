/**
 * OPC UA PubSub messages in JSON: Part 14 (1.05) §7.2.5. One network message for a twin message, with as many data set messages as it has
 * values of one point. Fields are DataValues in the compact encoding of Part 6 §5.4; types are told by the metadata of the twin.
 */
import type { DevicePlan } from '../../model/plan.ts';
import { messageId, type TimedValue, type TwinMessage } from '../../model/twin-message.ts';
import { isCompound, type JsonValue, mapScalars, type Value } from '../../model/value.ts';
import { clockMarks, encodeGap, isoTime, type JsonObject, type Sending, sendingOf } from './envelope.ts';
import { identityOf } from './identity.ts';
import { JSON_TYPE } from './json-shape.ts';
import { fieldMetaData } from './opcua-types.ts';
import type { Encoded, Shape, ShapeContext } from './shape.ts';
import { STATUS_CODES } from './status-codes.ts';

/** VersionTime counts from 2000. */
const VERSION_EPOCH_MS = Date.UTC(2000, 0, 1);
/** What a twin writes: values, and what is no value. */
const WRITERS = ['values', 'event', 'gap', 'status'] as const;
type Writer = (typeof WRITERS)[number];

export function opcuaPubSubShape(context: ShapeContext): Shape {
  const versions = new Versions(context.startTimeMs);
  const places = new Map(context.devices.map(({ twin }, index) => [twin, index]));
  const writerOf = (twin: string, writer: Writer) => ({
    DataSetWriterId: (places.get(twin) ?? places.size) * WRITERS.length + WRITERS.indexOf(writer) + 1,
    DataSetWriterName: writer === 'values' ? twin : `${twin}.${writer}`,
  });

  return {
    encode(stored, sentTimeMs) {
      const sending = sendingOf(context, stored, sentTimeMs);
      const { message } = stored;
      const { twin, kind } = message;
      if (kind === 'telemetry' || kind === 'property') {
        const head = { ...writerOf(twin, 'values'), MetaDataVersion: versions.of(twin) };
        return [encodeData(deltaFrames(message, head), sending)];
      }
      return [encodeData([eventOf(message, writerOf(twin, kind))], sending)];
    },
    describe(device) {
      const { twin } = device;
      const fields = context.describe(device).map((point) => fieldMetaData(twin, point));
      versions.note(twin, JSON.stringify(fields));
      const head = { ...writerOf(twin, 'values'), MetaDataVersion: versions.of(twin) };
      return encodeMetaData(device, context.gateway, fields, head);
    },
  };
}

/** A version is the second in which it came to be. */
class Versions {
  readonly #first: number;
  readonly #latest = new Map<string, { readonly number: number; readonly fields: string }>();

  constructor(startTimeMs: number) {
    this.#first = Math.max(0, Math.floor((startTimeMs - VERSION_EPOCH_MS) / 1_000));
  }

  of(twin: string): MetaDataVersion {
    const number = this.#latest.get(twin)?.number ?? this.#first;
    return { MajorVersion: number, MinorVersion: number };
  }

  /** Other fields than before are a new version. */
  note(twin: string, fields: string): void {
    const before = this.#latest.get(twin);
    if (before?.fields !== fields)
      this.#latest.set(twin, { number: before === undefined ? this.#first : before.number + 1, fields });
  }
}

/** The class of a message is its writer group. */
function encodeData(messages: readonly JsonObject[], sending: Sending): Encoded {
  const { gateway, stored } = sending;
  const body = {
    MessageId: messageId(gateway, stored),
    MessageType: 'ua-data',
    PublisherId: gateway,
    WriterGroupName: stored.class,
    Messages: messages,
  };
  const properties = identityOf(`gw.${stored.message.kind}.opcua-pubsub/1`, sending);
  return { payload: JSON.stringify(body), contentType: JSON_TYPE, properties };
}

/** The first values of all points, the second ones, and so on: in each a point stands once, with its own time. */
function deltaFrames(message: TwinMessage, head: JsonObject): readonly JsonObject[] {
  const { values, startTimeMs } = message;
  const count = Math.max(0, ...Object.values(values).map(({ length }) => length));
  return Array.from({ length: count }, (_, index) => {
    const row = Object.entries(values).flatMap(([name, timed]) => {
      const one = timed[index];
      return one === undefined ? [] : [{ name, one }];
    });
    const Timestamp = isoTime(startTimeMs + Math.max(...row.map(({ one }) => one[0])));
    const Payload = Object.fromEntries(row.map(({ name, one }) => [name, dataValue(one, startTimeMs)]));
    return { ...head, Timestamp, ...statusOf(message), MessageType: 'ua-deltaframe', Payload };
  });
}

function dataValue([offsetMs, value, quality, status]: TimedValue, startTimeMs: number): JsonObject {
  return {
    ...(value === null ? {} : { Value: uaValue(value) }),
    ...(quality === undefined ? {} : { StatusCode: { Code: statusCode(status ?? '', quality), Symbol: status } }),
    SourceTimestamp: isoTime(startTimeMs + offsetMs),
  };
}

/** Part 6 §5.4.2.3: integers of 64 bits are texts. */
function uaValue(value: Value | null): JsonValue {
  if (isCompound(value)) return mapScalars(value, uaValue);
  return typeof value === 'bigint' ? String(value) : value;
}

const OF_VENDOR = /^0x[0-9A-F]{8}$/;
const SEVERITIES = { good: 0, uncertain: 0x40000000, bad: 0x80000000 } as const;

function statusCode(status: string, quality: keyof typeof SEVERITIES): number {
  const known = Object.hasOwn(STATUS_CODES, status) ? STATUS_CODES[status] : undefined;
  return known ?? (OF_VENDOR.test(status) ? Number(status) : SEVERITIES[quality]);
}

/** Of the data set as a whole: its times are not to be relied on. */
function statusOf(message: TwinMessage): JsonObject {
  if (clockMarks(message).clock !== 'unsynchronised') return {};
  return { Status: { Code: SEVERITIES.uncertain, Symbol: 'Uncertain' } };
}

/** Gaps and the status of a device are events too: they have no fields that stay. */
function eventOf(message: TwinMessage, head: JsonObject): JsonObject {
  const { body, gap, startTimeMs } = message;
  const Payload = gap === undefined ? (body ?? {}) : encodeGap(gap);
  return { ...head, Timestamp: isoTime(startTimeMs), ...statusOf(message), MessageType: 'ua-event', Payload };
}

function encodeMetaData(device: DevicePlan, gateway: string, fields: readonly JsonObject[], head: MetaDataHead): Encoded {
  const { MetaDataVersion, ...writer } = head;
  const body = {
    MessageId: `${gateway}:${device.twin}:metadata:${MetaDataVersion.MajorVersion}`,
    MessageType: 'ua-metadata',
    PublisherId: gateway,
    ...writer,
    MetaData: {
      Name: device.twin,
      ...(device.model === undefined ? {} : { Description: { Text: device.model } }),
      Fields: fields,
      ConfigurationVersion: MetaDataVersion,
    },
  };
  return { payload: JSON.stringify(body), contentType: JSON_TYPE, properties: { schema: 'gw.metadata.opcua-pubsub/1' } };
}

interface MetaDataHead {
  readonly DataSetWriterId: number;
  readonly DataSetWriterName: string;
  readonly MetaDataVersion: MetaDataVersion;
}

interface MetaDataVersion {
  readonly MajorVersion: number;
  readonly MinorVersion: number;
}
