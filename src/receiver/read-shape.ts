type Json = Readonly<Record<string, unknown>>;

/** What a shape says of which message this is, in the words of the shape `twin`; beside it what cannot be said in them. */
export interface Read {
  readonly body: Json;
  /** What is the same at each sending; absent: what is in the body. */
  readonly content?: string;
  readonly readings?: number;
  /** Of a message that is several packets: which one, from 1, of how many. */
  readonly part?: string;
}

/**
 * The message in a packet of any shape that says which one it is (src/northbound/shapes/README.md); `properties`: user properties of
 * MQTT 5. What says nothing is handed back as it is.
 */
export function readShape(body: Json, properties: Readonly<Record<string, string>>): Read {
  if (body.specversion === '1.0' && isObject(body.data)) return { body: body.data };
  if (typeof body.MessageId === 'string' && Array.isArray(body.Messages)) return readPubSub(body, body.Messages, properties);
  if (typeof body.topic === 'string' && isObject(body.headers) && isObject(body.value))
    return readDitto(body.topic, body.headers, body.value);
  return typeof body.seq === 'number' || properties.seq === undefined ? { body } : readProperties(body, properties);
}

/** `gateway:twin:epoch:seq`; the writer is the twin, or `twin.kind`. A `Status` says that the gateway did not know the time. */
function readPubSub(
  { MessageId, PublisherId: gateway, WriterGroupName: named }: Json,
  messages: readonly unknown[],
  { clock }: Readonly<Record<string, string>>,
): Read {
  const id = String(MessageId);
  const [first] = messages;
  const { DataSetWriterName: writer, MessageType: type, Payload: payload, Status } = isObject(first) ? first : {};
  const [seq, epoch] = id.split(':').toReversed();
  const isEvent = type === 'ua-event';
  const twin = isEvent ? String(writer).replace(/\.[^.]*$/, '') : writer;
  const gap = isEvent && String(writer).endsWith('.gap') ? { gap: payload } : {};
  const readings = isEvent ? 0 : messages.reduce<number>((sum, one) => sum + (isObject(one) ? sizeOf(one.Payload) : 0), 0);
  return {
    body: {
      id,
      gateway,
      twin,
      class: named,
      epoch,
      seq: Number(seq),
      ...gap,
      clock: Status === undefined ? clock : 'unsynchronised',
    },
    content: withoutTimes(messages),
    readings,
  };
}

/** Events, gaps and status are the message of the shape `twin`, in a live message. */
function readDitto(topic: string, headers: Json, value: Json): Read {
  if (typeof value.seq === 'number') return { body: value };
  const { gateway, class: named, seq, epoch, history, clock, part } = headers;
  const twin = topic.split('/')[1];
  const features = isObject(value.features) ? value.features : value;
  return {
    body: { id: wholeId(headers['correlation-id'], part), gateway, twin, class: named, seq, epoch, history, clock },
    content: withoutTimes(features),
    readings: sizeOf(features),
    ...(typeof part === 'string' ? { part } : {}),
  };
}

/** `pnp`, and templates: what of a template is a reading or a time only its author knows. */
function readProperties(
  content: Json,
  { id, part, seq, history, schema = '', twin, ...others }: Readonly<Record<string, string>>,
) {
  const { gateway, class: named, epoch, clock } = others;
  const readings = /^gw\.(telemetry|property)\.pnp/.test(schema) ? sizeOf(content) : 0;
  return {
    body: { id: wholeId(id, part), gateway, twin, class: named, epoch, seq: Number(seq), history: history === 'true', clock },
    content: schema.endsWith('.template/1') ? '' : JSON.stringify([content, others.bad]),
    readings,
    ...(part === undefined ? {} : { part }),
  };
}

const TIMES = new Set(['MetaDataVersion', 'Timestamp', 'Status', 'SourceTimestamp', 'timestamp', 'clock', 'from', 'to']);

/** Times may be corrected until a message is sent again, and the version of metadata is the start of the gateway. */
function withoutTimes(content: unknown): string {
  return JSON.stringify(content, (key, value) => (TIMES.has(key) ? undefined : value));
}

/** Each part has the id of the message with its number behind it. */
function wholeId(id: unknown, part: unknown): unknown {
  return typeof part === 'string' ? String(id).replace(/:\d+$/, '') : id;
}

function sizeOf(value: unknown): number {
  return isObject(value) ? Object.keys(value).length : 0;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
