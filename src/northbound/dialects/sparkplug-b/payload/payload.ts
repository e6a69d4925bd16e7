import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { PAYLOAD } from './schema.ts';

/** What is not there was not on the wire, or shall not be: presence matters, also of 0 and false. */
export interface Payload {
  readonly timestamp?: bigint;
  readonly metrics: readonly Metric[];
  readonly seq?: bigint;
  readonly uuid?: string;
}

export interface Metric {
  readonly name?: string;
  readonly alias?: bigint;
  readonly timestamp?: bigint;
  readonly datatype?: number;
  readonly isHistorical?: boolean;
  readonly isNull?: boolean;
  readonly metadata?: { readonly contentType?: string };
  readonly properties?: PropertySet;
  readonly value?: MetricValue;
}

export type ScalarValue =
  | { readonly case: 'intValue'; readonly value: number }
  | { readonly case: 'longValue'; readonly value: bigint }
  | { readonly case: 'floatValue' | 'doubleValue'; readonly value: number }
  | { readonly case: 'booleanValue'; readonly value: boolean }
  | { readonly case: 'stringValue'; readonly value: string };

export type MetricValue =
  | ScalarValue
  | { readonly case: 'bytesValue'; readonly value: Uint8Array }
  | { readonly case: 'datasetValue'; readonly value: DataSet }
  | { readonly case: 'templateValue'; readonly value: Template };

export interface PropertySet {
  readonly keys: readonly string[];
  readonly values: readonly PropertyValue[];
}

export interface PropertyValue {
  readonly type?: number;
  readonly isNull?: boolean;
  readonly value?: ScalarValue | { readonly case: 'propertysetValue'; readonly value: PropertySet };
}

export interface DataSet {
  readonly numOfColumns?: bigint;
  readonly columns: readonly string[];
  readonly types: readonly number[];
  readonly rows: readonly { readonly elements: readonly { readonly value?: ScalarValue }[] }[];
}

export interface Template {
  readonly metrics: readonly Metric[];
  readonly templateRef?: string;
  readonly isDefinition?: boolean;
}

export function encodePayload(payload: Payload): Uint8Array {
  return toBinary(PAYLOAD, create(PAYLOAD, { ...payload }));
}

/** Throws for what is no payload. */
export function decodePayload(bytes: Uint8Array): Payload {
  return ownOf(fromBinary(PAYLOAD, bytes)) as Payload;
}

/** Messages of the library show defaults for what was not sent; these are left out. Empty one-ofs, too. */
function ownOf(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(ownOf);
  if (typeof part !== 'object' || part === null || part instanceof Uint8Array) return part;
  const members = Object.entries(part).filter(([name, member]) => !name.startsWith('$') && !isEmptyOneOf(member));
  return Object.fromEntries(members.map(([name, member]) => [name, ownOf(member)]));
}

function isEmptyOneOf(member: unknown): boolean {
  return typeof member === 'object' && member !== null && 'case' in member && member.case === undefined;
}
