import { createRequire } from 'node:module';

/** Payloads as another implementation reads and writes them: the schema of Eclipse Tahu and its protobuf library. */
interface Foreign {
  decode(bytes: Uint8Array): unknown;
  encode(message: unknown): { finish(): Uint8Array };
  fromObject(plain: object): unknown;
  toObject(message: unknown, options: object): Record<string, unknown>;
}

const require = createRequire(import.meta.url);
const tahu = require('sparkplug-payload/lib/sparkplugPayloadProto.js') as {
  readonly org: { readonly eclipse: { readonly tahu: { readonly protobuf: { readonly Payload: Foreign } } } };
};
const { Payload } = tahu.org.eclipse.tahu.protobuf;

/** Only what was on the wire; 64-bit numbers as decimal text, unsigned. */
export interface WirePayload {
  readonly timestamp?: string;
  readonly seq?: string;
  readonly uuid?: string;
  readonly metrics: readonly WireMetric[];
}

export interface WireMetric {
  readonly name?: string;
  readonly alias?: string;
  readonly timestamp?: string;
  readonly datatype?: number;
  readonly isHistorical?: boolean;
  readonly isNull?: boolean;
  readonly properties?: WireProperties;
  readonly intValue?: number;
  readonly longValue?: string;
  readonly floatValue?: number;
  readonly doubleValue?: number;
  readonly booleanValue?: boolean;
  readonly stringValue?: string;
  readonly bytesValue?: Uint8Array;
  readonly datasetValue?: WireDataSet;
  readonly templateValue?: WireTemplate;
}

export interface WireProperties {
  readonly keys: readonly string[];
  readonly values: readonly (Pick<
    WireMetric,
    'isNull' | 'intValue' | 'longValue' | 'floatValue' | 'doubleValue' | 'booleanValue' | 'stringValue'
  > & { readonly type?: number; readonly propertysetValue?: WireProperties })[];
}

export interface WireDataSet {
  readonly numOfColumns?: string;
  readonly columns: readonly string[];
  readonly types: readonly number[];
  readonly rows: readonly { readonly elements: readonly WireMetric[] }[];
}

export interface WireTemplate {
  readonly metrics: readonly WireMetric[];
  readonly templateRef?: string;
  readonly isDefinition?: boolean;
}

export function readPayload(bytes: Uint8Array): WirePayload {
  return Payload.toObject(Payload.decode(bytes), { longs: String, arrays: true }) as unknown as WirePayload;
}

/** For commands of a host; 64-bit numbers as decimal text. */
export function writePayload(payload: Partial<WirePayload>): Buffer {
  return Buffer.from(Payload.encode(Payload.fromObject(payload)).finish());
}
