import { AttributeIds, type ClientSession, DataType, type DataValue, NodeId, type ReferenceDescription } from 'node-opcua-client';
import type { BrowsedVariable } from '../../../src/southbound/browse-tool.ts';
import { readAll, readUnknown, type ServerFacts } from '../protocol/requests.ts';
import { qualityOf, statusName } from '../protocol/status-code.ts';
import type { Words } from '../values/raw-value.ts';
import { toRaw } from '../values/raw-value.ts';
import { rawToValue } from '../values/value.ts';
import { readTypeWords, wordsOf } from '../values/words.ts';
import { unitOf } from './units.ts';

export interface VariableReference {
  readonly nodeId: NodeId;
  readonly properties: readonly ReferenceDescription[];
}

const ATTRIBUTES = [AttributeIds.DataType, AttributeIds.ValueRank, AttributeIds.UserAccessLevel] as const;
const DESCRIBING = ['EURange', 'EngineeringUnits', 'EnumStrings', 'EnumValues', 'TrueState', 'FalseState'] as const;
type Describing = Partial<Record<(typeof DESCRIBING)[number], unknown>>;

/** By node id: everything that a person or a mapping wants to know of variables. */
export async function readVariables(
  session: ClientSession,
  variables: readonly VariableReference[],
  { limits }: ServerFacts,
): Promise<ReadonlyMap<string, BrowsedVariable>> {
  if (variables.length === 0) return new Map();
  const attributes = variables.flatMap(({ nodeId }) => ATTRIBUTES.map((attributeId) => ({ nodeId, attributeId })));
  const answers = await readAll(session, attributes, limits);
  const values = await readUnknown(
    session,
    variables.map(({ nodeId }) => ({ nodeId, attributeId: AttributeIds.Value })),
    limits,
  );
  const described = await readDescribing(session, variables, limits);
  const types = variables.map((_, at) => answers[at * ATTRIBUTES.length]?.value.value as unknown);
  const names = await readTypeNames(session, types, limits);
  const words = await readTypeWords(
    session,
    variables.map(({ nodeId }) => nodeId),
    limits,
  );
  return new Map(
    variables.map(({ nodeId }, at) => {
      const [, rank, access] = answers.slice(at * ATTRIBUTES.length, (at + 1) * ATTRIBUTES.length);
      const own = described[at] ?? {};
      const called = wordsOf(own) ?? words.get(nodeId.toString());
      return [
        nodeId.toString(),
        toVariable({ type: names.get(String(types[at])) ?? '', rank, access, value: values[at], own, words: called }),
      ];
    }),
  );
}

interface Facts {
  readonly type: string;
  readonly rank: DataValue | undefined;
  readonly access: DataValue | undefined;
  readonly value: DataValue | undefined;
  readonly own: Describing;
  readonly words: Words | undefined;
}

function toVariable({ type, rank, access, value, own, words }: Facts): BrowsedVariable {
  const unit = unitOf(own.EngineeringUnits);
  const range = rangeOf(own.EURange);
  const held = valueOrStatus(value);
  // A state of a condition is a text, and tells besides what its `Id` is called.
  const called = typeof held.value === 'string' ? undefined : words;
  return {
    type: type === '' ? typeOfValue(value) : type,
    rank: Number(rank?.value.value ?? -1),
    access: accessOf(Number(access?.value.value ?? 0)),
    ...held,
    ...(unit === undefined ? {} : { unit }),
    ...(range === undefined ? {} : { range }),
    ...(called === undefined ? {} : { labels: Object.fromEntries(called) }),
  };
}

function valueOrStatus(held: DataValue | undefined): Pick<BrowsedVariable, 'value' | 'status'> {
  if (held === undefined) return { status: 'BadNoData' };
  const { value: code } = held.statusCode;
  if (qualityOf(code) === 'bad') return { status: statusName(code) };
  const value = rawToValue(toRaw(held.value));
  return value === undefined ? { status: 'BadDataTypeIdUnknown' } : { value };
}

/** Where the node does not say what it holds. */
function typeOfValue(held: DataValue | undefined): string {
  const dataType = held?.value.dataType ?? DataType.Null;
  return dataType === DataType.Null ? '' : DataType[dataType];
}

/** Part 3 §8.57: bit 0 is reading, bit 1 is writing. */
function accessOf(level: number): BrowsedVariable['access'] {
  return (['none', 'read', 'write', 'read-write'] as const)[level & 3] ?? 'none';
}

function rangeOf(range: unknown): BrowsedVariable['range'] {
  if (typeof range !== 'object' || range === null || !('low' in range) || !('high' in range)) return undefined;
  const [min, max] = [Number(range.low), Number(range.high)];
  return Number.isFinite(min) && Number.isFinite(max) && min < max ? { min, max } : undefined;
}

async function readDescribing(session: ClientSession, variables: readonly VariableReference[], limits: ServerFacts['limits']) {
  const wanted = variables.flatMap(({ properties }, at) =>
    properties.flatMap(({ browseName, nodeId }) => {
      const name = DESCRIBING.find((one) => one === browseName.name);
      return name === undefined ? [] : [{ at, name, nodeId }];
    }),
  );
  const values = await readAll(
    session,
    wanted.map(({ nodeId }) => ({ nodeId, attributeId: AttributeIds.Value })),
    limits,
  );
  const described = variables.map((): Describing => ({}));
  wanted.forEach(({ at, name }, index) => {
    const own = described[at];
    const value = values[index];
    if (own !== undefined && value !== undefined && qualityOf(value.statusCode.value) !== 'bad') own[name] = value.value.value;
  });
  return described;
}

/** By id of the data type: its name. Built-in types are known. */
async function readTypeNames(session: ClientSession, types: readonly unknown[], limits: ServerFacts['limits']) {
  const distinct = [...new Map(types.filter((type) => type instanceof NodeId).map((type) => [type.toString(), type])).values()];
  const answers = await readAll(
    session,
    distinct.map((nodeId) => ({ nodeId, attributeId: AttributeIds.BrowseName })),
    limits,
  );
  return new Map(
    distinct.map((type, at) => {
      const name: unknown = answers[at]?.value.value?.name;
      const builtIn = type.namespace === 0 ? DataType[Number(type.value)] : undefined;
      return [type.toString(), builtIn ?? (typeof name === 'string' ? name : '')];
    }),
  );
}
