import { AttributeIds, type ClientSession, type DataValue, NodeId } from 'node-opcua-client';
import { GatewayError } from '../../../src/model/error.ts';
import { readAll, type ServerLimits } from '../protocol/requests.ts';
import { type Properties, readProperties } from './properties.ts';
import type { Words } from './raw-value.ts';
import { toBigInt } from './value.ts';

/** Properties that say what values are called: of a variable (Part 8 §5.3.3) or of an enumeration (Part 3 §5.8.3). */
const OF_VARIABLES = ['EnumStrings', 'EnumValues', 'TrueState', 'FalseState'] as const;
const OF_TYPES = ['EnumStrings', 'EnumValues'] as const;
/** Up to here the built-in types, none of which is an enumeration (Part 6 §5.1.2). */
const LAST_BUILT_IN_TYPE = 30;

/** By node id: what the server calls the values of these variables. Those of which it calls nothing are left out. */
export async function readWords(
  session: ClientSession,
  variables: readonly { readonly nodeId: NodeId }[],
  limits: ServerLimits,
): Promise<ReadonlyMap<string, Words>> {
  const nodes = [...new Map(variables.map(({ nodeId }) => [nodeId.toString(), nodeId]))];
  if (nodes.length === 0) return new Map();
  const properties = await readProperties(
    session,
    nodes.map(([, nodeId]) => nodeId),
    OF_VARIABLES,
    limits,
  );
  const own = new Map(nodes.flatMap(([text], at) => entry(text, wordsOf(properties[at] ?? {}))));
  const ofTypes = await readTypeWords(
    session,
    nodes.filter(([text]) => !own.has(text)).map(([, nodeId]) => nodeId),
    limits,
  );
  return new Map([...own, ...ofTypes]);
}

function entry<K, V>(key: K, value: V | undefined): readonly (readonly [K, V])[] {
  return value === undefined ? [] : [[key, value]];
}

export async function readTypeWords(
  session: ClientSession,
  nodes: readonly NodeId[],
  limits: ServerLimits,
): Promise<ReadonlyMap<string, Words>> {
  const answers = await readAll(
    session,
    nodes.map((nodeId) => ({ nodeId, attributeId: AttributeIds.DataType })),
    limits,
  );
  const types = nodes.map((_, at) => typeOf(answers[at]));
  const distinct = [...new Map(types.filter((type) => type !== undefined).map((type) => [type.toString(), type])).values()];
  const words = await readEnumerations(session, distinct, limits);
  return new Map(nodes.flatMap((nodeId, at) => entry(nodeId.toString(), words.get(String(types[at])))));
}

/** `undefined` for types that cannot be an enumeration. */
function typeOf(answer: DataValue | undefined): NodeId | undefined {
  const type: unknown = answer?.value.value;
  if (!(type instanceof NodeId)) return undefined;
  return type.namespace === 0 && Number(type.value) < LAST_BUILT_IN_TYPE ? undefined : type;
}

/** By id of the data type. */
async function readEnumerations(
  session: ClientSession,
  types: readonly NodeId[],
  limits: ServerLimits,
): Promise<ReadonlyMap<string, Words>> {
  const properties = await readProperties(session, types, OF_TYPES, limits);
  const definitions = await readAll(
    session,
    types.map((nodeId) => ({ nodeId, attributeId: AttributeIds.DataTypeDefinition })),
    limits,
  );
  return new Map(
    types.flatMap((type, at) => entry(type.toString(), wordsOf(properties[at] ?? {}) ?? wordsOfDefinition(definitions[at]))),
  );
}

/** `undefined` where nothing is said. */
export function wordsOf(properties: Properties<(typeof OF_VARIABLES)[number]>): Words | undefined {
  const { EnumStrings, EnumValues, TrueState, FalseState } = properties;
  const words = new Map(listOf(EnumStrings).map((text, value) => [String(value), textOf(text)]));
  for (const one of listOf(EnumValues)) addEnumValue(words, one);
  if (TrueState !== undefined) words.set('true', textOf(TrueState));
  if (FalseState !== undefined) words.set('false', textOf(FalseState));
  for (const [value, text] of words) if (text === '') words.delete(value);
  return words.size === 0 ? undefined : words;
}

function wordsOfDefinition(answer: DataValue | undefined): Words | undefined {
  const definition: unknown = answer?.value.value;
  if (typeof definition !== 'object' || definition === null || !('fields' in definition)) return undefined;
  const words = new Map<string, string>();
  for (const field of listOf(definition.fields)) {
    if (typeof field === 'object' && field !== null && 'value' in field && 'name' in field && Array.isArray(field.value)) {
      const name = 'displayName' in field ? textOf(field.displayName) : '';
      words.set(String(toBigInt(pairOf(field.value), true)), name === '' ? String(field.name) : name);
    }
  }
  return words.size === 0 ? undefined : words;
}

/** An `EnumValueType`. */
function addEnumValue(words: Map<string, string>, one: unknown): void {
  if (typeof one !== 'object' || one === null || !('value' in one) || !('displayName' in one)) return;
  if (Array.isArray(one.value)) words.set(String(toBigInt(pairOf(one.value), true)), textOf(one.displayName));
}

function pairOf([high, low]: readonly unknown[]): readonly [number, number] {
  return [Number(high), Number(low)];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Of a LocalizedText. */
function textOf(value: unknown): string {
  return typeof value === 'object' && value !== null && 'text' in value && typeof value.text === 'string' ? value.text : '';
}

/** The value that the server calls so; throws VALUE_OUT_OF_RANGE where it calls none so. */
export function numberOf(words: Words, text: string, subject: string): number | boolean {
  const key = [...words].find(([value, word]) => word === text || value === text)?.[0];
  if (key === undefined)
    throw new GatewayError('VALUE_OUT_OF_RANGE', subject, `one of ${[...words.values()].join(', ')} was expected, got ${text}`);
  return key === 'true' || key === 'false' ? key === 'true' : Number(key);
}
