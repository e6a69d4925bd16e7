/** Data schemas of whole messages, as the shapes send them: for consumers that take a message as the data of an event. */
import type { PointDescription } from '../model/point-description.ts';
import type { Json } from './dtdl-schema.ts';

const TEXT = { type: 'string' };
const TIME = { type: 'string', format: 'date-time' };
const COUNT = { type: 'integer', minimum: 0 };
const NOT_GOOD = { type: 'string', enum: ['uncertain', 'bad'] };

type ValueSchema = (point: PointDescription) => Json;
type MessageSchema = (kind: 'telemetry' | 'property', points: readonly PointDescription[], valueSchema: ValueSchema) => Json;

/** What our own messages begin with. */
function enveloped(schema: string, properties: Json): Json {
  const head = {
    schema: { const: schema },
    id: TEXT,
    gateway: TEXT,
    twin: TEXT,
    class: TEXT,
    seq: COUNT,
    epoch: TEXT,
    sent: TIME,
  };
  const told = { ...properties, history: { type: 'boolean' } };
  return object({ ...head, ...told });
}

function object(properties: Json, required = Object.keys(properties)): Json {
  return { type: 'object', properties, required };
}

/** A value that is not there is `null`. */
function orNull(schema: Json): Json {
  return { oneOf: [schema, { type: 'null' }] };
}

const SCHEMAS: Readonly<Record<string, MessageSchema>> = {
  twin: (kind, points, valueSchema) => {
    const timed = (point: PointDescription) => ({
      type: 'array',
      items: { type: 'array', minItems: 2, maxItems: 4, items: [COUNT, orNull(valueSchema(point)), NOT_GOOD, TEXT] },
    });
    const values = { type: 'object', properties: Object.fromEntries(points.map((point) => [point.name, timed(point)])) };
    return enveloped(`gw.${kind}/1`, { t0: { type: 'integer' }, values });
  },
  expanded: (kind, points, valueSchema) => {
    const quality = { type: 'string', enum: ['good', 'uncertain', 'bad'] };
    const one = (point: PointDescription) => {
      const told = { name: { const: point.name }, value: orNull(valueSchema(point)), time: TIME, quality };
      return object({ ...told, status: TEXT }, Object.keys(told));
    };
    return enveloped(`gw.${kind}.expanded/1`, { points: { type: 'array', items: { oneOf: points.map(one) } } });
  },
  pnp: (_, points, valueSchema) => object(Object.fromEntries(points.map((point) => [point.name, valueSchema(point)])), []),
};

/** `undefined` of a shape that has a description of its own, or that only its author knows. */
export function messageSchema(shape: string | undefined, ...what: Parameters<MessageSchema>): Json | undefined {
  return shape === undefined || !Object.hasOwn(SCHEMAS, shape) ? undefined : SCHEMAS[shape]?.(...what);
}

/** `gw.result/1` */
export const RESULT_SCHEMA: Json = {
  type: 'object',
  properties: {
    schema: { const: 'gw.result/1' },
    id: TEXT,
    twin: TEXT,
    method: TEXT,
    status: { type: 'string', enum: ['done', 'refused', 'failed', 'held', 'checked', 'unknown'] },
    points: { type: 'object' },
    outputs: { type: 'object' },
    error: object({ code: TEXT, message: TEXT }),
  },
  required: ['schema', 'twin', 'status'],
};
