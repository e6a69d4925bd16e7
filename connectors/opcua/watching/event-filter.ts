import {
  AttributeIds,
  ContentFilter,
  ContentFilterElement,
  DataType,
  ElementOperand,
  EventFilter,
  FilterOperator,
  LiteralOperand,
  makeNodeId,
  type NodeId,
  QualifiedName,
  SimpleAttributeOperand,
  Variant,
} from 'node-opcua-client';

/** One field of an event as it is asked for. */
export interface EventField {
  /** Name in the message. */
  readonly name: string;
  /** Names from the event type down; empty: the condition itself. */
  readonly path: readonly QualifiedName[];
  readonly typeId: NodeId;
}

/** OPC UA Part 6, NodeIds.csv. */
export const BASE_EVENT_TYPE = 2041;
const CONDITION_TYPE = 2782;
const ACKNOWLEDGEABLE_CONDITION_TYPE = 2881;
const ALARM_CONDITION_TYPE = 2915;

/** Fields of the standard: the name, the type that has them, and what to ask below them. Part 5 §6.4.2, Part 9 §5.5 to §5.8. */
const BASE_FIELDS: readonly (readonly [name: string, type: number, below?: string])[] = [
  ['EventId', BASE_EVENT_TYPE],
  ['EventType', BASE_EVENT_TYPE],
  ['SourceName', BASE_EVENT_TYPE],
  ['Time', BASE_EVENT_TYPE],
  ['Message', BASE_EVENT_TYPE],
  ['Severity', BASE_EVENT_TYPE],
];
const CONDITION_FIELDS: typeof BASE_FIELDS = [
  ['ConditionName', CONDITION_TYPE],
  ['BranchId', CONDITION_TYPE],
  ['Retain', CONDITION_TYPE],
  ['Comment', CONDITION_TYPE],
  ['AckedState', ACKNOWLEDGEABLE_CONDITION_TYPE, 'Id'],
  ['ConfirmedState', ACKNOWLEDGEABLE_CONDITION_TYPE, 'Id'],
  ['ActiveState', ALARM_CONDITION_TYPE, 'Id'],
];

const toField = ([name, type, below]: (typeof BASE_FIELDS)[number]): EventField => ({
  name,
  path: [name, ...(below === undefined ? [] : [below])].map((step) => new QualifiedName({ name: step })),
  typeId: makeNodeId(type),
});

/** What each event is asked for, in this order: `EventId` first. */
export const ALWAYS: readonly EventField[] = BASE_FIELDS.map(toField);
/** Without names of fields in the mapping. */
export const OF_CONDITIONS: readonly EventField[] = [
  ...CONDITION_FIELDS.map(toField),
  { name: 'ConditionId', path: [], typeId: makeNodeId(CONDITION_TYPE) },
];

export interface EventWish {
  readonly fields: readonly EventField[];
  readonly typeId?: NodeId;
  readonly severityAtLeast?: number;
}

export function eventFilter({ fields, typeId, severityAtLeast }: EventWish): EventFilter {
  const ofType = typeId === undefined ? [] : [condition(FilterOperator.OfType, literal(DataType.NodeId, typeId))];
  const severe =
    severityAtLeast === undefined
      ? []
      : [condition(FilterOperator.GreaterThanOrEqual, severity(), literal(DataType.UInt16, severityAtLeast))];
  return new EventFilter({
    selectClauses: fields.map(operand),
    whereClause: new ContentFilter({ elements: both(ofType, severe) }),
  });
}

/** The first element is what counts; it refers to the others by their places. */
function both(one: readonly ContentFilterElement[], other: readonly ContentFilterElement[]): ContentFilterElement[] {
  if (one.length === 0 || other.length === 0) return [...one, ...other];
  const operands = [1, 2].map((index) => new ElementOperand({ index }));
  return [condition(FilterOperator.And, ...operands), ...one, ...other];
}

function condition(
  filterOperator: FilterOperator,
  ...filterOperands: (LiteralOperand | SimpleAttributeOperand | ElementOperand)[]
) {
  return new ContentFilterElement({ filterOperator, filterOperands });
}

function literal(dataType: DataType, value: unknown): LiteralOperand {
  return new LiteralOperand({ value: new Variant({ dataType, value }) });
}

function severity(): SimpleAttributeOperand {
  return operand({ name: 'Severity', path: [new QualifiedName({ name: 'Severity' })], typeId: makeNodeId(BASE_EVENT_TYPE) });
}

/** A condition is asked for by its node id (Part 9 §5.5.2). */
function operand({ path, typeId }: EventField): SimpleAttributeOperand {
  const attributeId = path.length === 0 ? AttributeIds.NodeId : AttributeIds.Value;
  return new SimpleAttributeOperand({ typeDefinitionId: typeId, browsePath: [...path], attributeId });
}
