import { z } from 'zod';
import type { Declarations, ProtocolDeclaration } from '../model/declaration.ts';
import { eventKeys, methodKeys } from './feature-schema.ts';
import { CONNECTIONS, gatewayKeys, HUBS, hubKeys, unitsKey } from './gateway-schema.ts';
import { instanceKeys, mappingKeys, pointKeys, sharedConnectionKeys } from './mapping-schema.ts';

/** JSON Schema of draft 2020-12. */
export type JsonSchema = Record<string, unknown>;

const DRAFT = 'https://json-schema.org/draft/2020-12/schema';

/** What editors complete and check `gateway.yaml` and mappings with; composed from the same declarations as the reader. */
export function jsonSchemas(declarations: Declarations): { readonly gateway: JsonSchema; readonly mapping: JsonSchema } {
  return { gateway: gatewaySchema(declarations), mapping: mappingSchema(declarations) };
}

function gatewaySchema({ dialects, protocols }: Declarations): JsonSchema {
  const own = toJsonSchema(gatewayKeys);
  const hubs = dialects.map(({ dialect, summary, settings }) =>
    withWord('dialect', dialect, summary, alongside(toJsonSchema(settings), toJsonSchema(hubKeys))),
  );
  const lines = protocols.map((protocol) => withWord('protocol', protocol.protocol, protocol.summary, sharedKeys(protocol)));
  const properties = {
    ...(own.properties as object),
    hubs: { type: 'object', description: HUBS, additionalProperties: byWord('dialect', hubs) },
    connections: { type: 'object', description: CONNECTIONS, additionalProperties: byWord('protocol', lines) },
  };
  return { $schema: DRAFT, title: 'Fieldmarshal gateway.yaml', ...own, properties, required: [...requiredOf(own), 'hubs'] };
}

function sharedKeys(protocol: ProtocolDeclaration): JsonSchema {
  const own = toJsonSchema(protocol.connection);
  return Object.hasOwn(protocol.device.shape, 'unit') ? join(own, toJsonSchema(unitsKey)) : own;
}

/** One alternative for each protocol, told apart by `connection.protocol`, and one for connections by name. */
function mappingSchema(declarations: Declarations): JsonSchema {
  const { protocols, operators } = declarations;
  const own = toJsonSchema(mappingKeys);
  const common = [toJsonSchema(pointKeys), ...operators.map(({ keys }) => toJsonSchema(keys))].reduce(join);
  const $defs = Object.fromEntries(
    protocols.flatMap((protocol) => [
      [`point-${protocol.protocol}`, join(toJsonSchema(protocol.point), common)] as const,
      ...FEATURES.flatMap(({ kind, own, keys }) => {
        const schema = protocol[own];
        return schema === undefined
          ? []
          : [[featureName(protocol, kind), alongside(toJsonSchema(schema), toJsonSchema(keys))] as const];
      }),
    ]),
  );
  const kinds = protocols.map((protocol) => alternative(protocol));
  const anyPoint = { anyOf: protocols.map((protocol) => pointRef(protocol)) };
  const anyFeature = Object.fromEntries(FEATURES.map(({ kind }) => [kind, anyOfFeature(protocols, kind)]));
  const byName = { properties: { connection: namedConnection(protocols), points: mapOf(anyPoint), ...anyFeature } };
  const words = protocols.map(({ protocol }) => protocol);
  const connection = {
    type: 'object',
    description: CONNECTION,
    properties: { protocol: { enum: words }, name: { type: 'string' } },
  };
  const defaults = {
    type: 'object',
    description: 'Point keys that hold for every point that does not say otherwise; not `address`',
  };
  const instances = { type: 'array', description: 'Devices alike in all but this', items: instanceSchema(), minItems: 1 };
  const points = { type: 'object', description: 'Points by name', minProperties: 1 };
  const events = { type: 'object', description: EVENTS };
  const methods = { type: 'object', description: METHODS };
  const properties = { ...(own.properties as object), connection, defaults, instances, points, events, methods };
  const required = ['connection'];
  const anyOf = ['points', 'events', 'methods'].map((key) => ({ required: [key] }));
  return {
    $schema: DRAFT,
    title: 'Fieldmarshal mapping',
    ...own,
    properties,
    required,
    anyOf,
    allOf: [...kinds, when({ properties: { connection: { required: ['name'] } } }, byName)],
    $defs,
  };
}

function alternative(protocol: ProtocolDeclaration): JsonSchema {
  const keys = join(toJsonSchema(protocol.connection), toJsonSchema(protocol.device));
  // instances may bring what the connection of the mapping leaves open
  const connection = { ...withWord('protocol', protocol.protocol, protocol.summary, keys), required: ['protocol'] };
  const isMeant = { required: ['protocol'], properties: { protocol: { const: protocol.protocol } } };
  const points = mapOf(pointRef(protocol));
  const features = Object.fromEntries(
    FEATURES.map(({ kind, own }) => [kind, protocol[own] !== undefined && mapOf(featureRef(protocol, kind))]),
  );
  return when(
    { required: ['connection'], properties: { connection: isMeant } },
    { properties: { connection, points, ...features } },
  );
}

/** What a mapping lists beside points, where its protocol knows it. */
const FEATURES = [
  { kind: 'events', own: 'event', keys: eventKeys },
  { kind: 'methods', own: 'method', keys: methodKeys },
] as const;

type FeatureKind = (typeof FEATURES)[number]['kind'];

function featureName({ protocol }: ProtocolDeclaration, kind: FeatureKind): string {
  return `${kind}-${protocol}`;
}

function featureRef(protocol: ProtocolDeclaration, kind: FeatureKind): JsonSchema {
  return { $ref: `#/$defs/${featureName(protocol, kind)}` };
}

/** `false`: no protocol knows them. */
function anyOfFeature(protocols: readonly ProtocolDeclaration[], kind: FeatureKind): JsonSchema | false {
  const own = FEATURES.find((each) => each.kind === kind)?.own ?? 'event';
  const known = protocols.filter((protocol) => protocol[own] !== undefined);
  return known.length > 0 && mapOf({ anyOf: known.map((protocol) => featureRef(protocol, kind)) });
}

/** The keys of both. */
function alongside(a: JsonSchema, b: JsonSchema): JsonSchema {
  return {
    ...a,
    properties: { ...(a.properties as object), ...(b.properties as object) },
    required: [...requiredOf(a), ...requiredOf(b)],
  };
}

function namedConnection(protocols: readonly ProtocolDeclaration[]): JsonSchema {
  const devices = protocols.map((protocol) => toJsonSchema(protocol.device).properties as object);
  const named = toJsonSchema(sharedConnectionKeys);
  return { ...named, properties: Object.assign({}, named.properties, ...devices) };
}

function instanceSchema(): JsonSchema {
  const own = toJsonSchema(instanceKeys);
  const connection = { type: 'object', description: 'Keys instead of those in the `connection` of the mapping' };
  return { ...own, properties: { ...(own.properties as object), connection } };
}

const EVENTS = 'What the device tells by itself, by name; for protocols that know events';
const METHODS =
  'What may be called from the cloud, by name; for protocols that know methods. What is not named here cannot be called';

const CONNECTION =
  'Where the device hangs: `protocol` with the keys of its endpoint and device, or the `name` of a connection in gateway.yaml';

/** Alternatives told apart by a word, so that an editor complains about the one that was meant. */
function byWord(key: string, alternatives: readonly JsonSchema[]): JsonSchema {
  const words = alternatives.map(({ title }) => title);
  const allOf = alternatives.map((schema) => when({ properties: { [key]: { const: schema.title } } }, schema));
  return { type: 'object', required: [key], properties: { [key]: { enum: words } }, allOf };
}

/** The word that JSON Schema has for it; written out it would make the object look like a promise. */
const THEN = 'then';

function when(condition: JsonSchema, consequence: JsonSchema): JsonSchema {
  return { if: condition, [THEN]: consequence };
}

/** A derived point has `expression` instead of `address`. */
function pointRef({ protocol }: ProtocolDeclaration): JsonSchema {
  return { $ref: `#/$defs/point-${protocol}` };
}

function mapOf(value: JsonSchema): JsonSchema {
  return { type: 'object', additionalProperties: value };
}

function withWord(key: string, word: string, summary: string, schema: JsonSchema): JsonSchema {
  const properties = { [key]: { const: word, description: summary }, ...(schema.properties as object) };
  return { ...schema, title: word, properties, required: [key, ...requiredOf(schema)] };
}

function join(a: JsonSchema, b: JsonSchema): JsonSchema {
  const required = [...new Set([...requiredOf(a), ...requiredOf(b)])].filter((key) => key !== 'address');
  const oneOf = requiredOf(a).includes('address') || requiredOf(b).includes('address') ? ADDRESS_OR_EXPRESSION : {};
  return { ...a, ...b, ...oneOf, properties: { ...(a.properties as object), ...(b.properties as object) }, required };
}

const ADDRESS_OR_EXPRESSION = { oneOf: [{ required: ['address'] }, { required: ['expression'] }] };

function requiredOf(schema: JsonSchema): readonly string[] {
  return (schema.required ?? []) as readonly string[];
}

/** Formats of ours mean something else in JSON Schema: patterns say it instead. */
const PATTERNS: Readonly<Record<string, string>> = {
  duration: '^\\d+(\\.\\d+)? ?(ms|s|min|h|d)$',
  size: '^\\d+(\\.\\d+)? ?(B|kB|MB|GB|KiB|MiB|GiB)$',
};

/** What a person writes (`io: input`), closed to unknown keys. */
export function toJsonSchema(schema: z.core.$ZodType): JsonSchema {
  const { $schema: _draft, ...json } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const isObject = zodSchema._zod.def.type === 'object';
      if (isObject && jsonSchema.additionalProperties === undefined) jsonSchema.additionalProperties = false;
      const format = String(jsonSchema.format ?? '');
      const pattern = PATTERNS[format];
      if (pattern !== undefined) jsonSchema.pattern = pattern;
      if (format === 'secret') jsonSchema.type = 'string';
      if (pattern !== undefined || ['secret', 'file', 'certificate'].includes(format)) delete jsonSchema.format;
    },
  });
  return json;
}
