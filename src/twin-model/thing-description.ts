/** WoT Thing Descriptions 1.1: what a twin sends and takes, in the words of W3C, with the topics of a hub. */
import type { DevicePlan, MethodPlan } from '../model/plan.ts';
import { argumentType, type PointDescription } from '../model/point-description.ts';
import type { MessageKind } from '../model/twin-message.ts';
import type { Json } from './dtdl-schema.ts';
import { messageSchema, RESULT_SCHEMA } from './wot-messages.ts';
import { dataSchemaOf, limited } from './wot-schema.ts';

/** Where a twin is spoken of, and to. */
export interface TwinAddress {
  /** The broker, e.g. `mqtts://broker.example:8883`. */
  readonly href: string;
  readonly security: 'nosec' | 'basic' | 'auto';
  topicOf(kind: MessageKind): string;
  /** Absent: no commands are listened to. */
  readonly commandTopic?: string;
  /** Where commands are answered. */
  readonly resultTopic?: string;
  /** Name of the shape of messages. */
  readonly shape?: string;
}

const CONTEXT = ['https://www.w3.org/2022/wot/td/v1.1', { mqv: 'http://www.w3.org/2018/wot/mqtt#' }];
/** How one shows who one is; never with what. Certificates have no scheme of their own in TD 1.1. */
const SECURITY = { nosec: { scheme: 'nosec' }, basic: { scheme: 'basic' }, auto: { scheme: 'auto' } } as const;
const JSON_TYPE = 'application/json';
/** What is taken where only the device knows. */
const ASSUMED = 'float64';
const COMMAND_ID = { type: 'string', minLength: 1, maxLength: 128 };

/** `gateway`: its id. Without an address it is a Thing Model: what such a device is, wherever it is. */
export function thingDescription(
  gateway: string,
  { twin, model, events = [], methods = [] }: DevicePlan,
  points: readonly PointDescription[],
  address?: TwinAddress,
): Json {
  const written =
    address?.commandTopic === undefined && address !== undefined ? [] : points.filter(({ write }) => write !== undefined);
  const called = address?.commandTopic === undefined && address !== undefined ? [] : methods;
  return {
    '@context': CONTEXT,
    ...(address === undefined
      ? { '@type': 'tm:ThingModel' }
      : { id: `urn:fieldmarshal:${encodeURIComponent(gateway)}:${encodeURIComponent(twin)}` }),
    title: twin,
    description:
      'Values come in messages of the gateway, several at once: the events message_telemetry and message_property are these messages, a property is what stands in them under its name. Actions are answered by the event command_result with the same id.',
    ...(model === undefined ? {} : { links: [{ rel: 'type', href: model }] }),
    ...securityOf(address),
    properties: Object.fromEntries(points.map((point) => [point.name, propertyOf(point, address)])),
    actions: Object.fromEntries([
      ...written.map((point) => [`set_${point.name}`, writeAction(point, address)]),
      ...called.map((method) => [method.name, methodAction(method, address)]),
    ]),
    events: Object.fromEntries([
      ...events.map(({ name }) => [name, eventOf(name, address)]),
      ...messageEvents(points, address),
      ...resultEvent(address),
    ]),
  };
}

function securityOf(address: TwinAddress | undefined): Json {
  if (address === undefined) return {};
  const name = `${address.security}_sc`;
  return { securityDefinitions: { [name]: SECURITY[address.security] }, security: [name] };
}

function valueSchema({ type = ASSUMED, words, min, max, unit }: PointDescription): Json {
  const schema = words === undefined ? dataSchemaOf(type) : { type: 'string', enum: [...new Set(Object.values(words))] };
  return { ...limited(schema, { min, max }), ...(unit === undefined ? {} : { unit }) };
}

function propertyOf(point: PointDescription, address: TwinAddress | undefined): Json {
  const { description, kind } = point;
  return {
    ...(description === undefined ? {} : { description }),
    ...valueSchema(point),
    ...{ readOnly: true, observable: true },
    ...(address === undefined ? {} : subscription(address.topicOf(kind), address, ['observeproperty', 'unobserveproperty'])),
  };
}

function eventOf(name: string, address: TwinAddress | undefined): Json {
  const properties = {
    name: { const: name },
    severity: { type: 'integer', minimum: 1, maximum: 1_000 },
    message: { type: 'string' },
  };
  return {
    data: { type: 'object', properties },
    ...(address === undefined ? {} : subscription(address.topicOf('event'), address)),
  };
}

/** Whole messages, for whoever takes nothing but what is on the wire. */
function messageEvents(
  points: readonly PointDescription[],
  address: TwinAddress | undefined,
): readonly (readonly [string, Json])[] {
  if (address === undefined) return [];
  return (['telemetry', 'property'] as const).flatMap((kind) => {
    const own = points.filter((point) => point.kind === kind);
    const data = own.length === 0 ? undefined : messageSchema(address.shape, kind, own, valueSchema);
    return data === undefined ? [] : [[`message_${kind}`, { data, ...subscription(address.topicOf(kind), address) }]];
  });
}

function resultEvent(address: TwinAddress | undefined): readonly (readonly [string, Json])[] {
  if (address?.resultTopic === undefined) return [];
  return [['command_result', { data: RESULT_SCHEMA, ...subscription(address.resultTopic, address) }]];
}

/** The input is the command as it is sent. */
function writeAction(point: PointDescription, address: TwinAddress | undefined): Json {
  const { name, write = {} } = point;
  const { step, ...limits } = write;
  const value = {
    ...limited(valueSchema(point), limits),
    ...(step === undefined || limits.min !== undefined ? {} : { multipleOf: step }),
  };
  return action({ desired: { type: 'object', properties: { [name]: value }, required: [name] } }, address);
}

function methodAction({ name, arguments: inputs }: MethodPlan, address: TwinAddress | undefined): Json {
  const properties = Object.fromEntries(inputs.map((input) => [input.name, limited(dataSchemaOf(argumentType(input)), input)]));
  const given = { type: 'object', properties, required: Object.keys(properties) };
  return action({ method: { type: 'string', const: name }, ...(inputs.length === 0 ? {} : { arguments: given }) }, address);
}

function action(command: Json, address: TwinAddress | undefined): Json {
  const properties = { id: COMMAND_ID, ...command };
  const input = { type: 'object', properties, required: Object.keys(properties) };
  const told = { input, output: RESULT_SCHEMA, synchronous: false };
  if (address?.commandTopic === undefined) return told;
  const { href, commandTopic } = address;
  const form = { href, op: 'invokeaction', contentType: JSON_TYPE, 'mqv:controlPacket': 'publish', 'mqv:topic': commandTopic };
  return { ...told, forms: [{ ...form, 'mqv:qos': '1', 'mqv:retain': false }] };
}

const ON_EVENT = ['subscribeevent', 'unsubscribeevent'];

function subscription(topic: string, { href }: TwinAddress, op = ON_EVENT): Json {
  const form = { href, op, contentType: JSON_TYPE, 'mqv:controlPacket': 'subscribe' };
  return { forms: [{ ...form, 'mqv:filter': topic, 'mqv:qos': '1' }] };
}
