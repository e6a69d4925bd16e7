/** What the hub makes of the topic and the body of a message from a device. */
export interface DeviceMessage {
  readonly deviceId: string;
  readonly system: Readonly<Record<string, string | null>>;
  readonly properties: Readonly<Record<string, string | null>>;
  readonly body: string;
  readonly enqueuedTimeMs: number;
}

const SYSTEM_NAMES = new Set(['$.mid', '$.cid', '$.uid', '$.to', '$.ct', '$.ce', '$.ctime', '$.sub', '$.exp', '$.on', '$.ifid']);
const MESSAGE_ID = /^[A-Za-z0-9\-:.+%_#*?!(),=@;$']{1,128}$/;
const MAX_BYTES = 262_144;

export type Bag = Readonly<Record<string, string | null>>;

/** `undefined` where it is not encoded as it has to be. */
export function readBag(text: string): Bag | undefined {
  const bag: Record<string, string | null> = {};
  for (const part of text.split('&').filter((one) => one !== '')) {
    const [name = '', ...value] = part.split('=');
    if (value.length > 1 || /[^A-Za-z0-9\-_.!~*'()%$]/.test(name + value.join(''))) return undefined;
    try {
      bag[decodeURIComponent(name)] = value[0] === undefined ? null : decodeURIComponent(value[0]);
    } catch {
      return undefined;
    }
  }
  return bag;
}

/** The message, or what breaks a documented rule. */
export function readMessage(deviceId: string, bagText: string, body: Buffer, nowMs: number): DeviceMessage | string {
  const bag = readBag(bagText);
  if (bag === undefined) return `property bag ${bagText}`;
  const isSystem = ([name]: [string, unknown]) => name.startsWith('$.');
  const system = Object.fromEntries(Object.entries(bag).filter(isSystem));
  const properties = Object.fromEntries(Object.entries(bag).filter((entry) => !isSystem(entry)));
  const text = body.toString('utf8');
  const fault =
    systemFault(system) ?? propertyFault(properties) ?? sizeFault(system, properties, body) ?? bodyFault(system, text);
  return fault ?? { deviceId, system, properties, body: text, enqueuedTimeMs: nowMs };
}

function systemFault(system: Bag): string | undefined {
  const unknown = Object.keys(system).find((name) => !SYSTEM_NAMES.has(name));
  if (unknown !== undefined) return `system property ${unknown}`;
  const { '$.mid': id, '$.ctime': time } = system;
  if (id !== undefined && !MESSAGE_ID.test(id ?? '')) return `message id ${id}`;
  if (time !== undefined && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(time ?? '')) return `creation time ${time}`;
  return undefined;
}

/** Names that routing queries cannot reach. */
function propertyFault(properties: Bag): string | undefined {
  const names = Object.keys(properties);
  const lower = new Set(names.map((name) => name.toLowerCase()));
  if (lower.size < names.length) return 'two properties that differ by case only';
  return names.find(
    (name) => /[\s()<>@,;:\\"/?={}]/.test(name) || ['twin', '$twin', 'body', '$body'].includes(name.toLowerCase()),
  );
}

function sizeFault(system: Bag, properties: Bag, body: Buffer): string | undefined {
  const values = [...Object.values(system), ...Object.entries(properties).flat()];
  const bytes = body.length + values.reduce((sum, value) => sum + Buffer.byteLength(value ?? ''), 0);
  return bytes > MAX_BYTES ? `a message of ${bytes} bytes` : undefined;
}

/** Routing needs all of it: type, encoding, JSON, an object at the root. */
function bodyFault({ '$.ct': type, '$.ce': encoding }: Bag, text: string): string | undefined {
  if (!/^application\/(json|cloudevents\+json);charset=utf-8$/.test(type ?? '') || encoding !== 'utf-8')
    return `content type ${type}, encoding ${encoding}`;
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null && !Array.isArray(body) ? undefined : 'the root of the body is no object';
  } catch {
    return 'the body is no JSON';
  }
}
