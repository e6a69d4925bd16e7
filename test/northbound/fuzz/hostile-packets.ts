import { randomFillSync } from 'node:crypto';
import type { IPublishPacket } from 'mqtt-packet';

/** What a hostile or broken sender, or the broker itself, may put into one PUBLISH. */
export interface HostilePacket {
  readonly topic: string;
  readonly payload: Buffer;
  readonly more: Partial<IPublishPacket>;
}

export type Random = () => number;

/** The same numbers for the same seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function hostilePacket(commandTopic: string, random: Random, index: number): HostilePacket {
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
  const payload = pick(PAYLOADS)(random, index);
  const topic = random() < 0.9 ? commandTopic : pick(TOPICS)(commandTopic, random);
  const properties = random() < 0.5 ? pick(PROPERTIES)(commandTopic, random) : {};
  const retain = random() < 0.1;
  return { topic, payload, more: { qos: 0, retain, properties } };
}

type MakePayload = (random: Random, index: number) => Buffer;

const text = (body: unknown) => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
const bytes = (count: number) => randomFillSync(Buffer.alloc(count));
const command = (index: number, more: object = {}) => ({ id: `f${index}`, desired: { speed: 900 }, ...more });

const PAYLOADS: readonly MakePayload[] = [
  (random) => bytes(Math.floor(random() * 300)),
  (random, index) => flipped(text(command(index)), random),
  (random, index) => text(command(index)).subarray(0, Math.floor(random() * 30)),
  (_, index) => text(command(index)),
  (_, index) => text(command(index, { method: 'start' })),
  (_, index) => text(command(index, { expires: 'soon', issued: -1 })),
  (_, index) => text(command(index, { expires: 1e300 })),
  (_, index) => text(command(index, { unknown: {} })),
  (_, index) => text(command(index, { desired: { speed: Array.from({ length: 50 }, () => index) } })),
  (_, index) => text(command(index, { desired: Object.fromEntries(Array.from({ length: 1_100 }, (_, at) => [`p${at}`, at])) })),
  (_, index) => text(`{"id":"f${index}","desired":{"__proto__":{"speed":1},"constructor":1}}`),
  (_, index) => text(`{"id":"f${index}","id":"g","desired":{"speed":1}}`),
  (_, index) => text(`{"id":"f${index}","desired":{"speed":1e999}}`),
  (_, index) => text(`{"id":"f${index}","desired":{"speed":${'9'.repeat(400)}}}`),
  (_, index) => text(`\uFEFF{"id":"f${index}","desired":{"speed":1}}`),
  (_, index) => text(`{"id":"${'\\ud800'.repeat(20)}${index}","desired":{"\\u0000":${index}}}`),
  () => text('['.repeat(30_000)),
  () => text('{"a":'.repeat(5_000)),
  (random) => Buffer.alloc(66_000 + Math.floor(random() * 10_000), 0x20),
  () => Buffer.alloc(0),
  (random) => text([null, true, 7, '"x"', '[]', '{}', 'NaN', '{"id":1}'][Math.floor(random() * 8)] ?? ''),
];

const TOPICS: readonly ((commandTopic: string, random: Random) => string)[] = [
  (topic) => `${topic}/more`,
  (topic) => topic.toUpperCase(),
  () => 'gw-01/press-99/command',
  () => '$SYS/broker/command',
  () => '__proto__',
  (_, random) => 'a/'.repeat(Math.floor(random() * 500) + 1),
  () => '/',
];

type Properties = NonNullable<IPublishPacket['properties']>;

const PROPERTIES: readonly ((commandTopic: string, random: Random) => Properties)[] = [
  (topic) => ({ responseTopic: topic }),
  () => ({ responseTopic: '$SYS/x' }),
  () => ({ responseTopic: 'constructor', correlationData: Buffer.alloc(0) }),
  (_, random) => ({ responseTopic: 'r'.repeat(1 + Math.floor(random() * 3_000)) }),
  (_, random) => ({ correlationData: bytes(Math.floor(random() * 60_000)) }),
  () => ({ messageExpiryInterval: 0 }),
  () => ({ messageExpiryInterval: 2 ** 32 - 1, contentType: 'application/x-nothing' }),
  () => ({ userProperties: { __proto__: 'x', constructor: ['a', 'b'], '': '' } }),
  () => ({ userProperties: Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`k${at}`, 'v'.repeat(50)])) }),
  () => ({ subscriptionIdentifier: 268_435_455, payloadFormatIndicator: true }),
  (_, random) => ({ topicAlias: 1 + Math.floor(random() * 32) }),
];

function flipped(buffer: Buffer, random: Random): Buffer {
  for (let flips = 1 + Math.floor(random() * 4); flips > 0; flips -= 1) {
    const at = Math.floor(random() * buffer.length);
    buffer[at] = (buffer[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  }
  return buffer;
}
