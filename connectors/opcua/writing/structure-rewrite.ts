import type { ClientSession, Variant } from 'node-opcua-client';
import { GatewayError } from '../../../src/model/error.ts';
import type { Value } from '../../../src/model/value.ts';
import type { ValuePath } from '../mapping/value-path.ts';
import type { UsableNode } from '../nodes/nodes.ts';
import { valueRequest } from '../nodes/nodes.ts';
import { toWriteError } from '../protocol/errors.ts';
import { qualityOf, statusName } from '../protocol/status-code.ts';
import { type FieldSchema, fieldsOf, pick, structureOf, toRaw } from '../values/raw-value.ts';
import { toField } from '../values/structure-value.ts';

/**
 * The structure that the node holds now with one part of it changed. OPC UA has no write of a part: what the device itself writes
 * between this read and the write that follows is lost, which is why a mapping has to allow it (`readModifyWrite`).
 */
export async function toWrittenStructure(session: ClientSession, node: UsableNode, value: Value): Promise<Variant> {
  const { path = [], readModifyWrite } = node.point.address;
  const subject = node.point.id;
  if (!readModifyWrite) {
    const message =
      'a field cannot be written alone; allow `readModifyWrite: true`, or write the whole structure by a point without `path`';
    throw new GatewayError('VALUE_TYPE', subject, message);
  }
  const held = await session.read(valueRequest(node));
  if (qualityOf(held.statusCode.value) !== 'good') throw toWriteError(statusName(held.statusCode.value), subject);
  replace(held.value, path, value, subject);
  return held.value;
}

function replace(held: Variant, path: ValuePath, value: Value, subject: string): void {
  const nameAt = path.findLastIndex((step) => typeof step === 'string');
  const parent = pick(toRaw(held), path.slice(0, nameAt));
  const structure = parent && structureOf(parent);
  const field = structure && fieldsOf(structure.schema).find(({ originalName }) => originalName === path[nameAt]);
  const [index, ...more] = path.slice(nameAt + 1);
  if (structure === undefined || field === undefined || more.length > 0) throw nothingThere(subject);
  const target = structure as unknown as Record<string, unknown>;
  if (index === undefined) target[field.name] = toField(value, field, subject);
  else replaceElement(target[field.name], Number(index), field, value, subject);
}

function replaceElement(list: unknown, index: number, field: FieldSchema, value: Value, subject: string): void {
  const elements = list as Record<number, unknown> & { readonly length?: number };
  if (field.isArray !== true || index >= (elements.length ?? 0)) throw nothingThere(subject);
  elements[index] = toField(value, { ...field, isArray: false }, subject);
}

function nothingThere(subject: string): GatewayError {
  return new GatewayError('VALUE_TYPE', subject, 'there is nothing at `path` in what the node holds now');
}
