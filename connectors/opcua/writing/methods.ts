import {
  type ArgumentDefinition,
  type ClientSession,
  DataType,
  LocalizedText,
  makeNodeId,
  type NodeId,
  VariantArrayType,
  type VariantOptions,
} from 'node-opcua-client';
import { GatewayError } from '../../../src/model/error.ts';
import type { MethodPlan } from '../../../src/model/plan.ts';
import type { Value } from '../../../src/model/value.ts';
import type { MethodCall, MethodResult } from '../../../src/southbound/connector.ts';
import type { OpcuaMethod } from '../mapping/features.ts';
import { parseNodeAddress } from '../mapping/node-address.ts';
import { resolveNodeId } from '../nodes/nodes.ts';
import { basicTypeOf } from '../protocol/basic-type.ts';
import { statusNameOf, toCallError, toLinkError } from '../protocol/errors.ts';
import type { ServerFacts } from '../protocol/requests.ts';
import { qualityOf, statusName } from '../protocol/status-code.ts';
import { toRaw } from '../values/raw-value.ts';
import { rawToValue } from '../values/value.ts';
import { shapeOf, toVariant } from '../values/variant.ts';
import { declaredRank, readStructureType } from './node-type.ts';
import { toStructures } from './written-value.ts';

/** OPC UA Part 9 §5.7.3 and §5.5.6: methods of the condition types, called on the condition that is meant. */
const CONDITION_METHODS = { acknowledge: 9111, confirm: 9113, comment: 9029 } as const;

/** Calls a method of the mapping once, with its arguments in exactly the types that the server declares. */
export async function callMethod(session: ClientSession, { namespaces }: ServerFacts, call: MethodCall): Promise<MethodResult> {
  const subject = `${call.device}/${call.method.name}`;
  try {
    const { settings } = call.method as MethodPlan<OpcuaMethod>;
    if (settings.condition !== undefined) return await callCondition(session, namespaces, settings.condition, call, subject);
    const objectId = settings.object && resolveNodeId(settings.object, namespaces);
    const methodId = settings.method && resolveNodeId(settings.method, namespaces);
    if (objectId === undefined || methodId === undefined) throw toCallError('BadNodeIdUnknown', subject);
    const definition = await session.getArgumentDefinition(methodId);
    const inputArguments = await toArguments(session, definition, call, subject);
    return await request(session, { objectId, methodId, inputArguments }, definition, subject);
  } catch (error) {
    return { called: false, error: toRefusal(error, subject) };
  }
}

async function toArguments(
  session: ClientSession,
  { inputArguments }: ArgumentDefinition,
  { arguments: given, method }: MethodCall,
  subject: string,
): Promise<VariantOptions[]> {
  const names = inputArguments.map(({ name }) => name ?? '');
  if (names.length !== given.length) {
    const wanted = names.length === 0 ? 'none' : names.join(', ');
    const message = `the method takes ${names.length} arguments (${wanted}); the mapping has ${given.length} under \`arguments\``;
    throw new GatewayError('VALUE_TYPE', subject, message);
  }
  return Promise.all(
    inputArguments.map(async ({ dataType, valueRank }, at) => {
      const name = method.arguments[at]?.name ?? names[at] ?? String(at);
      const value = given[at] ?? null;
      const rank = shapeOf(value, subject).length;
      const declared = declaredRank(valueRank);
      if (declared !== undefined && rank !== declared)
        throw new GatewayError(
          'VALUE_TYPE',
          `${subject}.${name}`,
          `the method takes ${declared === 0 ? 'a single value' : 'a list'}`,
        );
      return toArgument(session, value as Value, dataType, `${subject}.${name}`);
    }),
  );
}

async function toArgument(session: ClientSession, value: Value, type: NodeId, subject: string): Promise<VariantOptions> {
  const basic = await basicTypeOf(session, type);
  if (basic !== DataType.ExtensionObject) return toVariant(value, basic, subject);
  return toStructures(session, value, await readStructureType(session, type), subject);
}

interface Call {
  readonly objectId: NodeId;
  readonly methodId: NodeId;
  readonly inputArguments: VariantOptions[];
}

async function request(
  session: ClientSession,
  call: Call,
  { outputArguments }: Pick<ArgumentDefinition, 'outputArguments'>,
  subject: string,
): Promise<MethodResult> {
  const result = await session.call(call);
  if (qualityOf(result.statusCode.value) === 'bad') {
    const argument = (result.inputArgumentResults ?? []).findIndex(({ value }) => qualityOf(value) === 'bad');
    return { called: false, error: toCallError(statusName(result.statusCode.value), subject, argument) };
  }
  const outputs = (result.outputArguments ?? []).map((variant, at) => {
    const name = outputArguments[at]?.name ?? '';
    return [name === '' ? `output${at + 1}` : name, rawToValue(toRaw(variant)) ?? null] as const;
  });
  return { called: true, outputs: Object.fromEntries(outputs) };
}

/** Arguments in this order, whatever the mapping calls its twin's method: condition, event, comment. */
async function callCondition(
  session: ClientSession,
  namespaces: readonly string[],
  kind: keyof typeof CONDITION_METHODS,
  { arguments: given }: MethodCall,
  subject: string,
): Promise<MethodResult> {
  const [condition, event, comment] = given.map(String);
  const address = parseNodeAddress(condition ?? '');
  const objectId = address && resolveNodeId(address, namespaces);
  if (objectId === undefined)
    throw new GatewayError('VALUE_TYPE', subject, `conditionId: a node id as the event told it was expected, got ${condition}`);
  const inputArguments = [
    { ...toVariant(event ?? '', DataType.ByteString, `${subject}.eventId`), arrayType: VariantArrayType.Scalar },
    { dataType: DataType.LocalizedText, value: new LocalizedText({ text: comment ?? '' }) },
  ];
  const methodId = makeNodeId(CONDITION_METHODS[kind]);
  return request(session, { objectId, methodId, inputArguments }, { outputArguments: [] }, subject);
}

function toRefusal(error: unknown, subject: string): GatewayError {
  if (error instanceof GatewayError) return error;
  const status = statusNameOf(error);
  return status === undefined || /Timeout|Connection|Communication|Session|Channel/.test(status)
    ? toLinkError(error, subject, 'calling')
    : toCallError(status, subject);
}
