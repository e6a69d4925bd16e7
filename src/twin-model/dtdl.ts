/** DTDL interfaces (v3, v4) of devices: what their messages hold, in the words of the cloud. */
import type { DevicePlan, MethodPlan } from '../model/plan.ts';
import { argumentType, type PointDescription } from '../model/point-description.ts';
import { type DtdlVersion, enumOf, type Json, schemaOf } from './dtdl-schema.ts';
import { quantityOf } from './units.ts';

const CONTEXTS: Readonly<Record<DtdlVersion, readonly string[]>> = {
  3: ['dtmi:dtdl:context;3', 'dtmi:dtdl:extension:quantitativeTypes;1'],
  4: ['dtmi:dtdl:context;4', 'dtmi:dtdl:extension:quantitativeTypes;2'],
};
const MAX_TEXT_CHARACTERS = 512;
/** What is taken where only the device knows. */
const ASSUMED = 'float64';

export function dtdlInterface(
  model: string,
  { events = [], methods = [] }: DevicePlan,
  points: readonly PointDescription[],
  version: DtdlVersion,
): Json {
  return {
    '@context': CONTEXTS[version],
    '@id': model,
    '@type': 'Interface',
    displayName: nameOf(model),
    contents: [
      ...points.map((point) => pointContent(point, version)),
      ...events.map(({ name }) => eventContent(name)),
      ...methods.map((method) => methodContent(method, version)),
    ],
  };
}

/** `Press` of `dtmi:com:acme:Press;1` */
function nameOf(model: string): string {
  return /([^:;]+)(?:;[^;]*)?$/.exec(model)?.[1] ?? model;
}

function pointContent(point: PointDescription, version: DtdlVersion): Json {
  const { name, kind, description, unit, words, type = ASSUMED, write } = point;
  const schema = words === undefined ? schemaOf(type, version) : enumerated(schemaOf(type, version), enumOf(words));
  const quantity = unit === undefined || !isNumber(schema) ? undefined : quantityOf(unit);
  const content = kind === 'property' ? 'Property' : 'Telemetry';
  return {
    '@type': quantity === undefined ? content : [content, quantity.type],
    name,
    ...(description === undefined ? {} : { description: description.slice(0, MAX_TEXT_CHARACTERS) }),
    ...(unit === undefined || quantity !== undefined ? {} : { comment: `unit: ${unit}` }),
    schema,
    ...(quantity === undefined ? {} : { unit: quantity.unit }),
    ...(kind === 'property' ? { writable: write !== undefined } : {}),
  };
}

/** Words stand in place of each scalar. */
function enumerated(schema: string | Json, words: Json): Json {
  return typeof schema === 'string' ? words : { ...schema, elementSchema: words };
}

function isNumber(schema: string | Json): boolean {
  return typeof schema === 'string' && !['boolean', 'string', 'dateTime', 'bytes', 'uuid'].includes(schema);
}

/** What every event has; the other fields are those of the device. */
function eventContent(name: string): Json {
  const fields = [
    { name: 'severity', schema: 'integer' },
    { name: 'message', schema: 'string' },
  ];
  return { '@type': 'Telemetry', name, comment: 'event', schema: { '@type': 'Object', fields } };
}

/** What a method gives back, as Plug and Play answers it; only the device knows the fields. */
const OUTPUTS = { name: 'outputs', schema: { '@type': 'Object', fields: [] } };

function methodContent({ name, arguments: inputs }: MethodPlan, version: DtdlVersion): Json {
  const command = { '@type': 'Command', name, response: OUTPUTS };
  if (inputs.length === 0) return command;
  const fields = inputs.map((input) => ({ name: input.name, schema: schemaOf(argumentType(input), version) }));
  return { ...command, request: { name: 'arguments', schema: { '@type': 'Object', fields } } };
}
