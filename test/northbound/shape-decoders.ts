import assert from 'node:assert/strict';
import type { Encoded } from '../../src/northbound/shapes/shape.ts';

/** `[name, UTC in milliseconds, value as JSON, quality, status]`; a value that is not there is `null`. */
export type Told = readonly [name: string, timeMs: number, value: unknown, quality: string, status: string];

type Json = Readonly<Record<string, unknown>>;
type Point = {
  readonly name: string;
  readonly value: unknown;
  readonly time: string;
  readonly quality: string;
  readonly status?: string;
};

/** Receivers of each shape as somebody else would write them: they know the documents and nothing of our code. */
export const DECODERS: Readonly<Record<string, (packets: readonly Encoded[]) => readonly Told[]>> = {
  twin: (packets) => packets.flatMap(({ payload }) => fromTwin(JSON.parse(payload))),
  expanded: (packets) => packets.flatMap(({ payload }) => (JSON.parse(payload).points as Point[]).map(fromPoint)),
  pnp: (packets) => packets.flatMap(fromPnp),
  cloudevents: (packets) => packets.flatMap(({ payload }) => fromTwin(JSON.parse(payload).data)),
  'cloudevents-binary': (packets) => packets.flatMap(({ payload }) => fromTwin(JSON.parse(payload))),
  'opcua-pubsub-json': (packets) => packets.flatMap(({ payload }) => fromPubSub(JSON.parse(payload))),
  template: (packets) => packets.map(({ payload }) => fromTemplate(JSON.parse(payload))),
  ditto: (packets) => packets.flatMap(({ payload }) => fromDitto(JSON.parse(payload))),
};

function fromTwin({ t0, values }: Json): readonly Told[] {
  const all = Object.entries(values as Record<string, [number, unknown, string?, string?][]>);
  return all.flatMap(([name, timed]) =>
    timed.map(([offset, value, quality = 'good', status = '']): Told => [name, Number(t0) + offset, value, quality, status]),
  );
}

function fromPoint({ name, value, time, quality, status = '' }: Point): Told {
  return [name, Date.parse(time), value, quality, status];
}

function fromPnp({ payload, properties }: Encoded): readonly Told[] {
  const { time, bad = '', uncertain = '' } = properties;
  const qualities = new Map([...listed(bad, 'bad'), ...listed(uncertain, 'uncertain')]);
  const body = new Map(Object.entries(JSON.parse(payload) as Json));
  const names = new Set([...body.keys(), ...qualities.keys()]);
  return [...names].map((name) => {
    const [quality, status] = qualities.get(name) ?? ['good', ''];
    return [name, Date.parse(time ?? ''), body.get(name) ?? null, quality, status] as const;
  });
}

/** `BadTimeout:pressure,flow;BadNoData:level` */
function listed(text: string, quality: string) {
  if (text === '') return [];
  return text.split(';').flatMap((part) => {
    const [status = '', names = ''] = part.split(':');
    return names.split(',').map((name) => [name, [quality, status]] as const);
  });
}

function fromDitto({ topic, path, value }: Json): readonly Told[] {
  assert.match(String(topic), /^com\.example\/press-07\/things\/twin\/commands\/merge$/);
  assert.equal(path, '/features');
  return Object.entries(value as Record<string, { properties: Json }>).map(([name, { properties }]) => {
    const { value: told = null, timestamp, quality, status } = properties;
    return [name, Date.parse(String(timestamp)), told, String(quality), status === 'Good' ? '' : String(status)];
  });
}

/** Integers of 64 bits are texts; who wants numbers looks into the metadata. */
function fromPubSub({ MessageType, Messages }: Json): readonly Told[] {
  assert.equal(MessageType, 'ua-data');
  return (Messages as { readonly Payload: Readonly<Record<string, Json>> }[]).flatMap(({ Payload }) =>
    Object.entries(Payload).map(([name, { Value = null, StatusCode, SourceTimestamp }]): Told => {
      const { Code = 0, Symbol: status = '' } = (StatusCode ?? {}) as { Code?: number; Symbol?: string };
      const quality = ['good', 'uncertain', 'bad'][Code >>> 30] ?? '';
      return [name, Date.parse(String(SourceTimestamp)), Value, quality, status];
    }),
  );
}

function fromTemplate({ n, v, t, q }: Json): Told {
  const [quality, status] = q as [string, string];
  return [String(n), Number(t), v, quality, status === 'Good' ? '' : status];
}
