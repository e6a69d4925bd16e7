import type { Quality } from '../../model/quality.ts';
import { type MessageKind, messageId, type TwinMessage } from '../../model/twin-message.ts';
import { encodeWithoutValues, isoTime, type JsonObject, jsonValue, type Sending, sendingOf } from './envelope.ts';
import { identityOf, partOf } from './identity.ts';
import { JSON_TYPE } from './json-shape.ts';
import type { Encoded, Shape, ShapeContext } from './shape.ts';
import { type Step, type StepValue, stepsOf } from './steps.ts';

/** A list of names longer than this is told by its length. */
const MAX_NAMES_CHARACTERS = 2_000;

/**
 * The message format of IoT Plug and Play: a flat object of DTDL names, one time for all its values. Time, quality and what identifies
 * the message have no place in it and stand in the properties; a bad value is not sent, so that nobody takes it for a good one.
 */
export function pnpShape(context: ShapeContext): Shape {
  return {
    encode(stored, sentTimeMs) {
      const sending = sendingOf(context, stored, sentTimeMs);
      const { kind } = stored.message;
      if (kind === 'telemetry' || kind === 'property') return encodeSteps(sending);
      const event = eventBody(stored.message);
      if (event !== undefined) return [encodeOne(event, schemaOf(kind), sending)];
      return [encodeOne(encodeWithoutValues(sending), `gw.${kind}/1`, sending)];
    },
  };
}

function encodeSteps(sending: Sending): readonly Encoded[] {
  const id = messageId(sending.gateway, sending.stored);
  return stepsOf(sending.stored.message).map((step, index, steps) => {
    const encoded = encodeOne(bodyOf(step), schemaOf(sending.stored.message.kind), sending, step.timeMs);
    return { ...encoded, properties: { ...encoded.properties, ...partOf(id, index, steps.length), ...qualitiesOf(step) } };
  });
}

function encodeOne(body: JsonObject, schema: string, sending: Sending, timeMs = sending.stored.message.startTimeMs): Encoded {
  const properties = { ...identityOf(schema, sending), time: isoTime(timeMs) };
  return { payload: JSON.stringify(body), contentType: JSON_TYPE, properties };
}

function schemaOf(kind: MessageKind): string {
  return `gw.${kind}.pnp/1`;
}

/** An event is telemetry with its name in DTDL. */
function eventBody({ kind, body = {} }: TwinMessage): JsonObject | undefined {
  const { name, ...fields } = body;
  return kind === 'event' && typeof name === 'string' ? { [name]: fields } : undefined;
}

function bodyOf({ values }: Step): JsonObject {
  const usable = [...values.values()].filter(({ value, quality }) => value !== null && quality !== 'bad');
  return Object.fromEntries(usable.map(({ name, value }) => [name, jsonValue(value)]));
}

function qualitiesOf({ values }: Step): Readonly<Record<string, string>> {
  const told = (quality: Quality) => describe([...values.values()].filter((one) => one.quality === quality));
  const all = { uncertain: told('uncertain'), bad: told('bad') };
  return Object.fromEntries(Object.entries(all).filter(([, text]) => text !== ''));
}

/** `BadTimeout:pressure,flow;BadNoData:level` */
function describe(values: readonly StepValue[]): string {
  const byStatus = Map.groupBy(values, ({ status }) => status ?? '');
  return [...byStatus].map(([status, ofStatus]) => `${status}:${namesOf(ofStatus)}`).join(';');
}

function namesOf(values: readonly StepValue[]): string {
  const names = values.map(({ name }) => name).join(',');
  return names.length <= MAX_NAMES_CHARACTERS ? names : `*${values.length}`;
}
